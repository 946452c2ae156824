let drv = derivation { name = "a"; system = "s"; builder = "b"; }; in builtins.outputOf 1 "out"
