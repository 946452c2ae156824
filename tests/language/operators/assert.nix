[
  (assert true; 1)
  (assert 1 == 1; assert 2 == 2; 3)
  (let x = 1; in assert x > 0; x)
  (builtins.tryEval (assert false; 1))
]
