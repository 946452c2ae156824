# The paths of the derivations of a package set, of the names in a JSON file: a list, or a set by name. `scale` is in eighths: the first
# of the names.
{ packages, names, scale ? 8 }:
let
  set = import packages { };
  given = builtins.fromJSON (builtins.readFile names);
  all = if builtins.isAttrs given then builtins.attrNames given else given;
  path = i:
    let name = builtins.elemAt all i;
    in { inherit name; value = builtins.unsafeDiscardStringContext set.${name}.drvPath; };
in builtins.listToAttrs (builtins.genList path (builtins.length all * scale / 8))
