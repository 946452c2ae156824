# Paths that share a beginning define one set.
{
  a.b.c = 1;
  a.b.d = 2;
  a.e = 3;
  "x y".z = 4;
  "x y".w = 5;
}
