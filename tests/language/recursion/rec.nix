rec {
  a = b + 1;
  b = c * 2;
  c = 3;
  d = { inherit a; e = a; };
  f = x: x + c;
  g = f 1;
}
