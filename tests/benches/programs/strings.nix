{ scale ? 1 }:
builtins.stringLength (builtins.concatStringsSep "," (builtins.genList (i: "item-${toString i}-${toString (i * 2)}") (100000 * scale)))
