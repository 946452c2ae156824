# What needs the value that failed is a step: an operator, a branch, a negation.
if !(1 < builtins.stringLength (throw "deep") && true) then { } // { } else { }
