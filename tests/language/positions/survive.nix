# Positions of attributes through the operations that keep them.
let
  s = {
    a = 1;
    b = 2;
  };
  t = { b = 3; c = 4; };
  at = name: set: let p = builtins.unsafeGetAttrPos name set; in if p == null then null else [ p.line p.column ];
in
{
  updateLeft = at "a" (s // t);
  updateRight = at "b" (s // t);
  mapAttrs = at "a" (builtins.mapAttrs (n: v: v) s);
  intersect = at "b" (builtins.intersectAttrs t s);
  remove = at "a" (builtins.removeAttrs s [ "b" ]);
  listToAttrs = at "x" (builtins.listToAttrs [ { name = "x"; value = 1; } ]);
  dynamic = at "y" { ${"y"} = 1; };
  dynamic2 = at "y1" { ${"y" + "1"} = 1; };
  functionArgs = at "p" (builtins.functionArgs ({ p, q ? 1 }: p));
  rec_ = at "r" (rec { r = 1; });
}
