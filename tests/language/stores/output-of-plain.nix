builtins.outputOf "x" (throw "not evaluated")
