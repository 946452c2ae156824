# Every operation on a string carries its context on.
let
  p = "/nix/store/00000000000000000000000000000000-a";
  q = "/nix/store/22222222222222222222222222222222-b";
  s = builtins.appendContext "one" { ${p} = { path = true; }; };
  t = builtins.appendContext "two" { ${q} = { path = true; }; };
  who = x: map (k: builtins.substring 11 3 k) (builtins.attrNames (builtins.getContext x));
in
{
  concat = who (s + t);
  interpolation = who "a ${s} b ${t}";
  interpolationOnce = who "${s}";
  substring = who (builtins.substring 0 1 s);
  substringEmpty = who (builtins.substring 0 0 s);
  substringBeyond = who (builtins.substring 10 5 s);
  replace = who (builtins.replaceStrings [ "o" ] [ "0" ] s);
  replaceWith = who (builtins.replaceStrings [ "o" ] [ t ] s);
  replaceUnused = who (builtins.replaceStrings [ "zzz" ] [ t ] s);
  replacePattern = who (builtins.replaceStrings [ t ] [ "x" ] s);
  concatSep = who (builtins.concatStringsSep s [ "a" "b" ]);
  concatSepOne = who (builtins.concatStringsSep s [ "a" ]);
  concatSepList = who (builtins.concatStringsSep "," [ s t ]);
  toStringList = who (toString [ s t ]);
  toJSON = who (builtins.toJSON { a = s; b = [ t ]; });
  toXML = who (builtins.toXML [ s ]);
  baseName = who (baseNameOf s);
  dirOf = who (dirOf s);
  match = map who (builtins.match "(.)(.*)" s);
  split = map (x: if builtins.isList x then map who x else who x) (builtins.split "(n)" s);
  toStringAttr = who "${{ __toString = _: s; }}";
  outPath = who "${{ outPath = s; }}";
  toString = who (toString s);
  hash = who (builtins.hashString "sha256" s);
  length = builtins.stringLength s;
  discarded = who (builtins.unsafeDiscardStringContext (s + t));
}
