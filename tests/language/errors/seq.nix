[
  (builtins.seq 1 2)
  (builtins.seq (x: x) 2)
  (builtins.seq { a = throw "no"; } 2)
  (builtins.deepSeq { a = [ 1 2 ]; } 2)
  (builtins.tryEval (builtins.seq (throw "x") 2)).success
]
