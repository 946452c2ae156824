# The right side of an update has to be a set before the left one is evaluated.
builtins.tryEval ((throw "left") // 1)
