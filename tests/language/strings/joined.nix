# Texts of all lengths, joined of short and long ones: every piece has to end where the next begins, and nothing stands behind the last.
let
  text = length: builtins.substring 0 length "0123456789abcdefghijklmnopqrstuvwxyz";
  lengths = builtins.genList (length: length) 19;
  pairs = builtins.concatMap (a: map (b: "${text a}${text b}" == text a + text b && builtins.stringLength "${text a}-${text b}" == a + b + 1) lengths) lengths;
  triples = builtins.concatMap (a: map (b: "${text a}|${text b}|${text (18 - a)}") lengths) lengths;
in
{
  all = builtins.all (same: same) pairs;
  hash = builtins.hashString "sha256" (builtins.concatStringsSep "\n" triples);
  set = builtins.length (builtins.attrNames (builtins.listToAttrs (map (name: { inherit name; value = 1; }) triples)));
  same = builtins.length (builtins.filter (a: builtins.any (b: a + "x" == "${b}${"x"}") (map text lengths)) (map text lengths));
}
