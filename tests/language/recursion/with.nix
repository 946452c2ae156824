let
  s = { a = 1; b = 2; };
  a = 100;
in
[
  (with s; b)
  (with s; a)
  (with { c = 3; }; with { c = 4; }; c)
  (with { c = 3; d = 5; }; with { c = 4; }; c + d)
  (with s; let b = 20; in b)
  (with { x = 1; }; (x: x) 2)
  (with { f = x: x + 1; }; f 1)
]
