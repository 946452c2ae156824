let drv = derivation { name = "a"; system = "s"; builder = "b"; }; in builtins.outputOf drv.outPath "out"
