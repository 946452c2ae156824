[
  builtins.true
  builtins.false
  builtins.null
  (builtins.builtins == builtins.builtins.builtins)
  builtins.langVersion
  (builtins ? map)
  (builtins.isAttrs builtins)
  true
  null
]
