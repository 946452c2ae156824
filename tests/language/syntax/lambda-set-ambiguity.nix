[
  (builtins.isFunction ({ }: 1))
  (builtins.isFunction ({ a, b }: 1))
  (builtins.isAttrs { })
  (builtins.isAttrs { a = 1; })
  (builtins.isFunction ({ a ? 1 }: 1))
]
