# BLAKE3 wherever a hash can be named. The long text is more than one chunk of its tree.
let
  abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
  sri = "blake3-ZDezrDhGUTP/tjt1JzqNtUjFWEZdedsD/TWcbNW9nYU=";
  make = attrs: (derivation ({ name = "a"; system = "s"; builder = "b"; } // attrs)).outPath;
  long = builtins.concatStringsSep "" (builtins.genList (n: "${toString n} ") 2000);
in
[
  (builtins.hashString "blake3" "")
  (builtins.hashString "blake3" "abc")
  (builtins.hashString "blake3" long)
  (builtins.hashFile "blake3" ./blake3.nix)
  (builtins.convertHash { hash = sri; toHashFormat = "base16"; })
  (builtins.convertHash { hash = abc; hashAlgo = "blake3"; toHashFormat = "nix32"; })
  (builtins.convertHash { hash = "blake3:${abc}"; toHashFormat = "sri"; })
  (make { outputHash = sri; })
  (make { outputHash = abc; outputHashAlgo = "blake3"; outputHashMode = "recursive"; })
  (import <nix/fetchurl.nix> { url = "http://localhost/abc"; hash = sri; }).outPath
]
