# The first step evaluates members that later steps meet, and makes work for the collector.
let
  work = n: builtins.foldl' (a: b: builtins.length (builtins.genList (i: { x = i; }) 3)) 0 (builtins.genList (i: i) n);
  all = builtins.genList (i: [ i i i ]) 30;
  first = x: builtins.seq (if builtins.length x == 3 then builtins.deepSeq all (work 5) else 0);
in
[
  (builtins.foldl' (a: b: builtins.seq (if a == 0 then builtins.deepSeq all (work 10) else 0) (a + builtins.length b)) 0 all)
  (builtins.all (x: first x (builtins.length x == 3)) all)
  (builtins.length (builtins.filter (x: first x (builtins.length x == 3)) all))
]
