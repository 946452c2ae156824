# A value is computed once: the second look finds the first's answer.
let
  x = builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: i) 1000);
  twice = [ x x ];
in
twice ++ twice
