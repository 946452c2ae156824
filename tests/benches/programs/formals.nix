{ scale ? 1 }:
let f = { a, b ? 2, c ? a + b, ... }@all: a + b + c + all.a; in builtins.foldl' (sum: i: sum + f { a = i; d = 4; }) 0 (builtins.genList (i: i) (150000 * scale))
