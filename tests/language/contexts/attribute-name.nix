# A name may not refer to the store.
let s = builtins.appendContext "a" { "/nix/store/00000000000000000000000000000000-a" = { path = true; }; }; in
{ ${s} = 1; }
