# A path may extend a set literal, and two literals of one name merge.
{
  a = { b = 1; };
  a.c = 2;
  d.e = 3;
  d = { f = 4; };
  g = { h = 1; };
  g = { i = 2; };
}
