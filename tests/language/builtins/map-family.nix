[
  (map (x: x * 2) [ 1 2 3 ])
  (builtins.concatMap (x: [ x x ]) [ 1 2 ])
  (builtins.concatLists [ [ 1 ] [ ] [ 2 3 ] ])
  (builtins.filter (x: x > 1) [ 1 2 3 ])
  (builtins.partition (x: x > 1) [ 1 2 3 ])
  (builtins.groupBy (x: if x > 1 then "big" else "small") [ 1 2 3 ])
  (builtins.all (x: x > 0) [ 1 2 ])
  (builtins.any (x: x > 1) [ 1 2 ])
  (builtins.foldl' (a: b: a - b) 10 [ 1 2 ])
  (builtins.genList (i: i * i) 4)
  (builtins.elem 2 [ 1 2 ])
  (builtins.sort (a: b: a > b) [ 2 3 1 ])
]
