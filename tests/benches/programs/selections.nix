{ scale ? 1 }:
let set = { a.b.c.d = 1; }; go = n: sum: if n == 0 then sum else go (n - 1) (sum + set.a.b.c.d + (set.x.y or 1)); in builtins.foldl' (sum: i: sum + go 500 0) 0 (builtins.genList (i: i) (400 * scale))
