{ scale ? 1 }:
builtins.length (builtins.sort (a: b: a < b) (builtins.genList (i: i * 7919 - i * 7919 / 100003 * 100003) (50000 * scale)))
