builtins.getContext (builtins.outputOf (derivation { name = "p.drv"; system = "s"; builder = "b"; __contentAddressed = true; outputHashMode = "text"; outputHashAlgo = "sha256"; }).outPath "out")
