# Text that refers to the store cannot become part of a path.
let s = builtins.appendContext "/a" { "/nix/store/00000000000000000000000000000000-a" = { path = true; }; }; in
/. + s
