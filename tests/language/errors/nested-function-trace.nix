let
  a = x: b x;
  b = x: c x + 1;
  c = x: x.missing;
in
a { }
