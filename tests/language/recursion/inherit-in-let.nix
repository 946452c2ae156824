let
  x = 5;
  s = { p = 1; q = 2; };
in
let
  inherit x;
  inherit (s) p q;
  r = p + q;
in
[ x p q r ]
