[
  (builtins.functionArgs ({ a, b ? 1, ... }: a))
  (builtins.functionArgs (x: x))
  (builtins.functionArgs ({ }: 1))
  (builtins.functionArgs (all@{ z ? 1, y }: 1))
]
