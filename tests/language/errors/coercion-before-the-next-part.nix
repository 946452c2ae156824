# What cannot become a string is told before the next operand is evaluated.
builtins.tryEval (null + (throw "right"))
