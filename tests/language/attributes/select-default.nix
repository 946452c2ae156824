let s = { a.b = 1; n = null; }; in
[
  (s.a.b or 0)
  (s.a.c or 2)
  (s.x.y.z or 3)
  (s.a.b.c or 4)
  (s.n.x or 5)
  (s.${"zz"} or 6)
  (s.x or s.a.b or 7)
  (s.a.b or (throw "never"))
]
