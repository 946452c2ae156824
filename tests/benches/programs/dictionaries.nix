{ scale ? 1 }:
builtins.length (builtins.attrNames (builtins.listToAttrs (builtins.genList (i: { name = "k${toString i}"; value = i; }) (50000 * scale))))
