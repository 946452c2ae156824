builtins.hashFile "blake3" ./none
