# A thunk that ends with a call: whoever waits for the thunk is not where the function was called.
let
  first = a: b: a;
in
(x: toString (x < 4))
  (first (throw "late") 3)
