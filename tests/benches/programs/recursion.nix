{ scale ? 1 }:
let f = n: if n == 0 then 0 else 1 + f (n - 1); in builtins.foldl' (sum: i: sum + f 2000) 0 (builtins.genList (i: i) (200 * scale))
