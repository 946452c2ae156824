builtins.outputOf "x" "out"
