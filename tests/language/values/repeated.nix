# A set or list that was printed already is named, not printed again.
let
  s = { a = 1; };
  l = [ 1 ];
  r = rec { self = r; n = 1; };
in
[ s s l l { x = s; y = s; } ]
