# A function keeps its `with`.
let
  f = with { k = 10; }; x: x + k;
  k2 = with { k = 20; }; f 1;
in
[ (f 1) k2 ]
