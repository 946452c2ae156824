# `or` belongs to its selection, not to the call around it.
let
  s = { f = x: x + 1; };
  id = x: x;
in
[
  (id s.g or 5)
  (s.f or id 1)
  (id s.f or id 3)
]
