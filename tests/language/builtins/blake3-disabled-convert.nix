builtins.convertHash { hash = "blake3-x"; hashAlgo = "md5"; toHashFormat = "sri"; }
