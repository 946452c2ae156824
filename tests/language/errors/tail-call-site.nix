let
  f = { a, b }: a + b;
  g = x: f { a = x; };
  h = x: { y = g x; };
in
(h 1).y
