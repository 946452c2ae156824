let
  l = builtins.genList (i: i * 2) 10000;
in
[
  (builtins.length l)
  (builtins.elemAt l 9999)
  (builtins.foldl' (a: b: a + b) 0 l)
  (builtins.length (l ++ l))
  (builtins.length (builtins.filter (x: x - x / 3 * 3 == 0) l))
  (builtins.head (builtins.tail l))
]
