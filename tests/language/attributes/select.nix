let s = { a.b.c = 1; "x y" = 2; list = [ { z = 3; } ]; n = "b"; }; in
[
  s.a.b.c
  s."x y"
  s.a.${s.n}.c
  s."a"."b"."c"
  s.${"a"}.b.c
  (s.a.b).c
  (builtins.head s.list).z
]
