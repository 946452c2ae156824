let
  counters = map (n: x: x + n) [ 1 2 3 ];
  compose = f: g: x: f (g x);
in
[
  (map (f: f 10) counters)
  (compose (x: x + 1) (x: x * 2) 5)
  (builtins.foldl' compose (x: x) counters 0)
]
