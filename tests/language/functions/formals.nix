let
  f = { a, b }: a + b;
  g = { a, b ? 10 }: a + b;
  h = { a, ... }: a;
  k = { a ? 1, b ? a + 1, c ? b + 1 }: [ a b c ];
  m = { }: "none";
  n = { ... }: "any";
in
[
  (f { a = 1; b = 2; })
  (g { a = 1; })
  (g { a = 1; b = 2; })
  (h { a = 5; z = 6; })
  (k { })
  (k { b = 10; })
  (m { })
  (n { x = 1; })
]
