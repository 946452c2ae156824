# Functions are equal to themselves where one cell holds them, and two cells that come to the same function are still two.
let
  f = x: x;
  id = x: x;
  a = [ (id f) ];
  b = [ (id f) ];
  work = n: builtins.length (map (x: [ x ]) (builtins.genList (i: i) n));
in
builtins.deepSeq a (builtins.deepSeq b [ (a == b) (a == a) (work 10) (a == b) (a == a) ])
