{ scale ? 1 }:
builtins.length (builtins.attrNames (builtins.foldl' (a: i: a // { ${"k${toString i}"} = i; }) { } (builtins.genList (i: i) (3000 * scale))))
