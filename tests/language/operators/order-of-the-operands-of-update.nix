# Nix evaluates the right operand of `//` first, and so meets the error that can be caught.
(builtins.tryEval ((abort "left") // (throw "right"))).success
