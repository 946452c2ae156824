1 + builtins.elemAt [ ]
