# A selection is a cell of its own, and functions are equal only as one cell. Piton takes what is there already out of the set
# without making a cell.
let
  s = { f = x: x; };
in
[
  ({ inherit (s) f; } == { inherit (s) f; })
  ({ f = s.f; } == s)
  ([ s.f ] == [ s.f ])
]
