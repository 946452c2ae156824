[
  (builtins.tryEval 1)
  (builtins.tryEval (throw "x"))
  (builtins.tryEval (assert false; 1))
  (builtins.tryEval { a = throw "not looked at"; }).success
  (builtins.tryEval (builtins.deepSeq { a = throw "x"; } 1)).success
  (builtins.tryEval (builtins.tryEval (throw "x"))).success
]
