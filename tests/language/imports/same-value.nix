# One file is evaluated once, whatever path leads there.
let
  a = import ./data/lambda.nix;
  b = import ./data/../data/lambda.nix;
in
[ ([ a ] == [ b ]) (a 1) ]
