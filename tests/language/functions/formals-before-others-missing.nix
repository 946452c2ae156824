let
  f = { a }: b: a + b;
  g = f { b = 1; };
in
builtins.seq g 1
