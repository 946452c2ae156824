{ scale ? 1 }:
builtins.length (builtins.filter (s: builtins.match "([a-z]+)-([0-9]+)\\.([0-9]+).*" s != null) (builtins.genList (i: "package-${toString i}.${toString (i * 3)}-source") (20000 * scale)))
