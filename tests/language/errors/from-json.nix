builtins.fromJSON "{ broken"
