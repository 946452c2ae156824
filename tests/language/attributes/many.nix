# More attributes than fit in any small form, looked up by position and by name.
let
  range = n: builtins.genList (i: i) n;
  big = builtins.listToAttrs (map (i: { name = "k${toString i}"; value = i * i; }) (range 300));
in
[
  (builtins.length (builtins.attrNames big))
  big.k0
  big.k299
  (big ? k300)
  (builtins.elemAt (builtins.attrNames big) 1)
  (builtins.elemAt (builtins.attrNames big) 299)
  (big // { k7 = "seven"; zz = 1; }).k7
  (builtins.length (builtins.attrNames (builtins.removeAttrs big [ "k1" "k2" "nope" ])))
]
