{ scale ? 1 }:
builtins.length (builtins.attrNames (builtins.fromTOML (builtins.concatStringsSep "\n" (builtins.genList (i: "[section-${toString i}]\nkey = ${toString i}\nlist = [ 1, 2, 3 ]\ntext = \"abc\"") (3000 * scale)))))
