let drv = derivation { name = "a"; system = "s"; builder = "b"; }; in builtins.outputOf (builtins.unsafeDiscardOutputDependency drv.drvPath) "dev"
