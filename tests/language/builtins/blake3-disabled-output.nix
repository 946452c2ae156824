(derivation { name = "a"; system = "s"; builder = "b"; outputHash = "blake3-x"; }).outPath
