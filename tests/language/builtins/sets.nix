[
  (builtins.attrValues { b = 1; a = 2; })
  (builtins.mapAttrs (n: v: n + toString v) { a = 1; b = 2; })
  (builtins.intersectAttrs { a = 0; c = 0; } { a = 1; b = 2; c = 3; })
  (builtins.catAttrs "a" [ { a = 1; } { b = 2; } { a = 3; } ])
  (builtins.listToAttrs [ { name = "x"; value = 1; } { name = "x"; value = 2; } ])
  (builtins.zipAttrsWith (n: vs: [ n vs ]) [ { a = 1; } { a = 2; b = 3; } ])
  (builtins.removeAttrs { a = 1; b = 2; } [ "a" "zz" ])
  (builtins.hasAttr "a" { a = 1; })
]
