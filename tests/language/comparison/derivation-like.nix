# Sets of type "derivation" are compared by outPath alone.
let
  a = { type = "derivation"; outPath = "/x"; other = 1; };
  b = { type = "derivation"; outPath = "/x"; other = 2; };
  c = { type = "derivation"; outPath = "/y"; };
  d = { type = "derivation"; name = "no outPath"; };
in
[ (a == b) (a == c) (d == (d // { name = "other"; })) ]
