{ scale ? 1 }:
let chain = n: x: if n == 0 then x else chain (n - 1) (let y = x; z = [ y x ]; in builtins.elemAt z 0); in builtins.foldl' (sum: i: sum + chain 50 i) 0 (builtins.genList (i: i) (4000 * scale))
