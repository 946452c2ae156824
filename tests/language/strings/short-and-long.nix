# Strings around the sizes at which a representation may change.
let
  repeat = n: s: builtins.concatStringsSep "" (builtins.genList (_: s) n);
  sizes = [ 0 1 2 5 6 7 8 9 15 16 17 31 32 33 255 256 ];
in
[
  (map (n: builtins.stringLength (repeat n "x")) sizes)
  (map (n: repeat n "ab" == repeat (n + n) "a") sizes)
  (map (n: repeat n "y" == repeat n "y") sizes)
  (repeat 7 "z" + "" == repeat 6 "z" + "z")
]
