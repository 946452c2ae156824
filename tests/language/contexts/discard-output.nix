let
  drv = "/nix/store/11111111111111111111111111111111-b.drv";
  c = builtins.appendContext "c" { ${drv} = { allOutputs = true; }; };
in
builtins.getContext (builtins.unsafeDiscardOutputDependency c)
