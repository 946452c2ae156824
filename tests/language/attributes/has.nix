let s = { a.b.c = 1; n = null; "x y" = 1; }; in
[
  (s ? a)
  (s ? a.b)
  (s ? a.b.c)
  (s ? a.b.c.d)
  (s ? b)
  (s ? x.y.z)
  (s ? n.a)
  (s ? "x y")
  (s ? ${"a"}.b)
  (s ? a.${"c"})
  (1 ? a)
  ([ ] ? a)
  (null ? a.b)
  (!s ? a)
  (s ? a && s ? n)
]
