{ scale ? 1 }:
let
  layer = i: final: previous: { "p${toString i}" = (previous."p${toString (i - 1)}" or 0) + 1; total = previous.total + final.base; };
  base = _: { base = 1; total = 0; };
  extend = f: overlay: final: let previous = f final; in previous // overlay final previous;
  fix = f: let final = f final; in final;
in builtins.foldl' (sum: i: sum + (fix (builtins.foldl' extend base (builtins.genList layer 60))).total) 0 (builtins.genList (i: i) (300 * scale))
