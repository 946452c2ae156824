# A function equals nothing, not even itself; yet where both sides are the same value, it is not compared.
let
  f = x: x;
  s = { inherit f; };
in
[
  (f == f)
  ([ f ] == [ f ])
  (s == s)
  ({ inherit f; } == { inherit f; })
  ((x: x) == (x: x))
  ([ (x: x) ] == [ (x: x) ])
  (let l = [ f ]; in l == l)
  (f != f)
  (builtins.add == builtins.add)
]
