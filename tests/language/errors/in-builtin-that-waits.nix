# What waits in a builtin or an operator has been begun by the code around it: strict builtins around that are named, and nobody has
# called a lambda but the builtin.
builtins.seq
  (builtins.addErrorContext "while looking at the list"
    (builtins.length (builtins.filter (x: [ x ] == [ (throw "late") ]) [ 1 ])))
  1
