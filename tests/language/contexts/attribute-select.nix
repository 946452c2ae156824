let s = builtins.appendContext "a" { "/nix/store/00000000000000000000000000000000-a" = { path = true; }; }; in
{ a = 1; }.${s}
