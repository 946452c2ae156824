let
  r = { self = r; n = 1; };
  l = [ 1 l ];
in
[ r l ]
