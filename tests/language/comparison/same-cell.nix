# Two looks at one variable are one value.
let
  nan = (1.0e308 * 10) - (1.0e308 * 10);
  l = [ nan ];
in
[ (l == l) ([ nan ] == [ nan ]) ]
