builtins.map 1 2
