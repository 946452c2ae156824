# Arguments on their way to a function that is not there yet, or takes fewer, stay what they are when the stack has to grow.
let
  id = x: x;
  six = p0: p1: p2: p3: p4: p5: if p0 == 0 then p5 else 1 + id six (p0 - 1) p1 p2 p3 p4 p5;
  set = { __functor = self: p0: p1: p2: p3: p4: p5: if p0 == 0 then p4 else 1 + id set (p0 - 1) p1 p2 p3 p4 p5; };
  rotate = p0: p1: p2: p3: p4: p5: p6: p7: p8: p9:
    if p0 == 0 then [ p1 p2 p3 p4 p5 p6 p7 p8 p9 ] else builtins.head [ (id rotate (p0 - 1) p2 p3 p4 p5 p6 p7 p8 p9 p1) ];
in [
  (1 + id six 3000 1 2 3 4 5)
  (map (depth: id six depth 1 2 3 4 5 - depth) (builtins.genList (i: 150 + 211 * i) 20))
  (map (depth: id set depth 1 2 3 4 5 - depth) (builtins.genList (i: 90 + 123 * i) 20))
  (rotate 4500 1 2 3 4 5 6 7 8 9)
]
