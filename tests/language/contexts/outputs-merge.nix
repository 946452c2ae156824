let
  drv = "/nix/store/11111111111111111111111111111111-b.drv";
  a = builtins.appendContext "a" { ${drv} = { outputs = [ "out" ]; }; };
  b = builtins.appendContext "b" { ${drv} = { outputs = [ "dev" ]; }; };
  c = builtins.appendContext "c" { ${drv} = { allOutputs = true; }; };
in
[ (builtins.getContext (a + b)) (builtins.getContext "${a}${b}${c}") (builtins.getContext (builtins.addDrvOutputDependencies (builtins.appendContext "d" { ${drv} = { path = true; }; }))) ]
