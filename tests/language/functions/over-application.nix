# A function that answers a function, called with all arguments at once.
let
  f = x: if x then (y: y + 1) else (y: y - 1);
  g = x: let r = x * 2; in y: z: r + y + z;
in
[ (f true 1) (f false 1) (g 1 2 3) ]
