{ scale ? 1 }:
with builtins; let a = { x = 1; y = 2; }; f = s: with s; with a; x + y + length [ x ]; in foldl' (sum: i: sum + f { z = i; }) 0 (genList (i: i) (150000 * scale))
