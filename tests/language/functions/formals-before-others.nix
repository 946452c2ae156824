# An argument is matched against formals when it is applied, also where the function waits for others.
let
  f = { a }: b: a + b;
  g = x: { y }: z: x + y + z;
  fails = value: !(builtins.tryEval value).success;
in [
  (f { a = 1; } 2)
  (map (f { a = 1; }) [ 1 2 ])
  (g 1 { y = 2; } 3)
  (fails (f (throw "forced")))
  (fails (g 1 (throw "forced")))
  (builtins.isFunction (g (throw "not forced")))
  (builtins.functionArgs f)
  (builtins.functionArgs (g 1))
  (builtins.functionArgs (f { a = 1; }))
]
