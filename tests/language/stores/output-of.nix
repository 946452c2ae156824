# Outputs by name: at a known path, not known yet, and of derivations that are outputs themselves; and who needs such outputs.
let
  make = name: more: derivation ({ inherit name; system = "s"; builder = "b"; } // more);
  file = drv: builtins.unsafeDiscardOutputDependency drv.drvPath;
  known = make "a" { };
  fixed = make "f" { outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; };
  floating = make "c" { outputs = [ "out" "dev" ]; __contentAddressed = true; };
  text = { __contentAddressed = true; outputHashMode = "text"; outputHashAlgo = "sha256"; };
  producer = make "p.drv" text;
  twice = make "q.drv.drv" text;
  produced = builtins.outputOf producer.outPath "out";
  deep = builtins.outputOf (builtins.outputOf twice.outPath "out") "out";
in
{
  static = builtins.outputOf (file known) "out" == known.outPath;
  fixed = builtins.outputOf (file fixed) "out" == fixed.outPath;
  floating = builtins.outputOf (file floating) "dev" == floating.dev.outPath;
  same = builtins.outputOf (builtins.outputOf (file producer) "out") "out" == produced;
  inherit produced deep;
  further = builtins.outputOf produced "x";
  known = builtins.outputOf known.outPath "out";
  any-name = map (builtins.outputOf known.outPath) [ "" "a b" "out!a" ];
  context = map builtins.getContext [ (builtins.outputOf known.outPath "x") (builtins.outputOf fixed.outPath "out") ];
  users = map (x: let user = make "u" { inherit x; }; in [ user.drvPath user.outPath ]) [
    produced
    [ produced (builtins.outputOf produced "x") (builtins.outputOf producer.outPath "dev") producer known floating.dev floating deep ]
    (make "u" { x = produced; })
    (builtins.outputOf known.outPath "out")
    [ known fixed.drvPath (builtins.outputOf fixed.outPath "out") ]
    (make "u" { x = produced; }).drvPath
  ];
  hashed = (make "u" { x = produced; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; }).drvPath;
}
