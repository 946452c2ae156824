let
  f = { a }: x: { b }: b;
in
f { a = 1; } 2 { }
