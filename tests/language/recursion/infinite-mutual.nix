let
  a = b;
  b = c + 1;
  c = a;
in
a
