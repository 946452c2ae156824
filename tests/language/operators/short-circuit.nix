[
  (false && throw "a")
  (true || throw "b")
  (false -> throw "c")
  (builtins.tryEval (true && throw "d")).success
  (builtins.tryEval (false || throw "e")).success
]
