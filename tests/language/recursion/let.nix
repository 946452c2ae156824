let
  x = 1;
  y = x + z;
  z = 3;
in
let x = 10; in [ x y z ]
