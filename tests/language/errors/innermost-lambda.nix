let
  f = x: y: x.missing + y;
  g = x: 1 + f x 2;
in
g { }
