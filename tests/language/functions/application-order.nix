# Application leans to the left and binds tighter than every operator.
let
  f = x: x * 2;
  add = a: b: a + b;
in
[
  (f 1 + f 2)
  (add 1 2 * 3)
  (add (f 1) (f 2))
  (f (-1))
  (builtins.length [ f 1 f 2 ])
  (- f 3)
  (!builtins.isInt 1)
]
