# A default is a constant if it names a global, but not where a formal of the same name stands beside it.
[
  (({ a ? map, map ? 5, zz ? 7 }: [ a map zz ]) { a = 1; map = 2; zz = 3; })
  (({ true ? false, false ? 5, x ? 1 }: [ true false x ]) { })
  (({ a ? 5 - 3, __sub ? null, b ? 1 }: [ __sub b ]) { a = 1; __sub = 2; })
  (({ d ? true, true ? 78, ... }: d) { })
  (({ a ? null, null ? [ ], b ? null, ... }@args: [ a null b args ]) { b = 2; })
]
