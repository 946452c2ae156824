# Large sets of which `//` changes little, seen in every way in which a set can be seen.
let
  names = builtins.genList (i: "n${toString i}") 300;
  many = builtins.listToAttrs (map (name: { inherit name; value = name; }) names);
  changed = many // { n7 = "seven"; extra = 1; };
  twice = changed // { n8 = "eight"; extra = 2; n299 = throw "not looked at"; };
  under = { n7 = "lost"; first = "kept"; } // many;
  grown = builtins.foldl' (set: i: set // { "g${toString i}" = i; n1 = i; }) many (builtins.genList (i: i) 150);
  some = set: builtins.attrValues { inherit (set) n1 n7 n8 n100; };
  f = { n7, extra, missing ? "default", ... }@all: [ n7 extra missing (all ? n9) ];
  # The same attributes, put together otherwise.
  rebuilt = builtins.listToAttrs (map (name: { inherit name; value = changed.${name}; }) (builtins.attrNames changed));
  part = builtins.intersectAttrs { n7 = 0; n9 = 0; extra = 0; nowhere = 0; } changed;
  whole = builtins.intersectAttrs changed (many // { n3 = "three"; });
in
{
  selected = [ (some changed) (some twice) (some under) (some grown) ];
  has = [ (twice ? extra) (twice ? nothing) (under ? first) (grown ? g149) (changed ? n299) ];
  default = [ (twice.nothing or "none") (twice.n8 or "none") ];
  lengths = map (set: builtins.length (builtins.attrNames set)) [ many changed twice under grown whole ];
  equal = [
    (changed == rebuilt)
    (changed == many)
    (changed == changed // { extra = 1; })
    (under == many // { first = "kept"; })
    (grown == many)
  ];
  called = f changed;
  part = part;
  removed = builtins.attrNames (removeAttrs changed (builtins.tail names));
  mapped = (builtins.mapAttrs (name: value: "${name}=${toString value}") twice).extra;
  values = builtins.elemAt (builtins.attrValues changed) 0;
  order = builtins.genList (builtins.elemAt (builtins.attrNames grown)) 4;
  scope = with twice; [ n7 n8 extra ];
  inherited = let inherit (grown) n1 g3; in [ n1 g3 ];
  functor = (twice // { __functor = self: x: self.extra + x; }) 40;
  string = "${many // { outPath = "out"; }}";
  merged = (twice // grown).extra + (grown // twice).g5;
  json = builtins.stringLength (builtins.toJSON changed);
  zipped = (builtins.zipAttrsWith (name: values: values) [ changed { n7 = 1; } ]).n7;
  gotten = builtins.getAttr "g7" grown;
  position = (builtins.unsafeGetAttrPos "extra" twice).line;
  none = (builtins.unsafeGetAttrPos "n9" changed).line;
  error = builtins.tryEval (builtins.deepSeq twice true);
}
