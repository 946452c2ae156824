# Sets of type "derivation" are compared by outPath alone.
let
  a = { type = "derivation"; outPath = "/x"; other = 1; };
  b = { type = "derivation"; outPath = "/x"; other = 2; };
  c = { type = "derivation"; outPath = "/y"; };
  d = { type = "derivation"; name = "no outPath"; };
  e = { type = "derivation"; outPath = "/x"; };
in
builtins.deepSeq [ a b c d e ] [
  (a == b) (a == c) (d == (d // { name = "other"; })) (a == e) ([ a ] == [ e ]) (builtins.elem e [ c b ]) (e == { outPath = "/x"; })
]
