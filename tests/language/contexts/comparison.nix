# Context does not count in comparisons.
let s = builtins.appendContext "a" { "/nix/store/00000000000000000000000000000000-a" = { path = true; }; }; in
[ (s == "a") (s < "b") ([ s ] == [ "a" ]) ]
