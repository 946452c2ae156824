# A default that is another name for what is there already is the very same function; what comes later is delayed.
let
  g = x: x;
  same = { a, b ? a, c ? b, d ? g }: [ a ] == [ c ] && [ d ] == [ g ];
in
[
  (same { a = x: x; })
  (({ x ? y, y ? 1 }: x) { })
  (({ x ? y, y ? 1 }: x) { y = 2; })
  ((x: { a ? x, b ? a }: [ a b ]) 3 { })
  (({ a ? all, ... }@all: a ? q) { q = 1; })
]
