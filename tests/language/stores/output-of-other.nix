let drv = derivation { name = "a"; system = "s"; builder = "b"; }; in builtins.outputOf "${builtins.outputOf drv.outPath "x"}x" "out"
