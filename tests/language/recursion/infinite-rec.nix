rec {
  a = b.c;
  b = { c = a; };
}.a
