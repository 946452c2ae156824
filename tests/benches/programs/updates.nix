{ scale ? 1 }:
let base = { a = 1; b = 2; c = 3; d = 4; e = 5; f = 6; }; in builtins.foldl' (sum: i: sum + (base // { a = i; g = i; } // { h = 1; }).a) 0 (builtins.genList (i: i) (150000 * scale))
