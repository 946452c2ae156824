let
  s = {
    a = 1;
      b = 2;
    "c" = 3;
    d.e = 4;
    inherit (here) f;
  };
  here = { f = 1; };
  at = name: set: let p = builtins.unsafeGetAttrPos name set; in if p == null then null else [ p.line p.column ];
in
[
  (at "a" s)
  (at "b" s)
  (at "c" s)
  (at "d" s)
  (at "e" s.d)
  (at "f" s)
  (at "zz" s)
]
