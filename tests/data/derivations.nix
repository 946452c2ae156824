# One derivation of each form that the JSON of `nix derivation show` has.
let
  make = name: attrs: derivation ({ inherit name; system = "x"; builder = "b"; } // attrs);
  addressed = { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
in
{
  floating = make "floating" (addressed // { outputs = [ "out" "dev" ]; });
  impure = make "impure" { __impure = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  deferred = make "deferred" { x = make "floating" addressed; };
  flat = make "flat" { outputHash = builtins.hashString "sha256" "x"; outputHashAlgo = "sha256"; args = [ "a" ]; };
  recursive = make "recursive" {
    outputHash = builtins.hashString "sha512" "x"; outputHashAlgo = "sha512"; outputHashMode = "recursive";
  };
  text = make "text" { outputHash = builtins.hashString "sha256" "x"; outputHashAlgo = "sha256"; outputHashMode = "text"; };
  structured = make "structured" {
    __structuredAttrs = true;
    a = 1.0;
    b = [ { x = null; } ];
    e = "é\n\"\\";
    big = 1.0e30;
    outputs = [ "out" "z" ];
  };
  characters = make "characters" { x = "é漢\t\"\\/"; };
  dynamic = let
    text = { __contentAddressed = true; outputHashMode = "text"; outputHashAlgo = "sha256"; };
    once = make "once.drv" text;
    twice = builtins.outputOf (make "twice.drv.drv" text).outPath "out";
  in make "dynamic" { x = [ once (builtins.outputOf once.outPath "dev") (builtins.outputOf twice "out") (make "flat" { }) ]; };
  inputs = make "inputs" { x = builtins.toFile "file" "x"; y = make "characters" { }; z = (make "many" { outputs = [ "b" "a" ]; }).a; };
}
