{ scale ? 1 }:
let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in builtins.foldl' (sum: _: sum + f 25) 0 (builtins.genList (i: i) (4 * scale))
