# Each builtin is a variable under its name with two underscores.
[
  (__length [ 1 2 ])
  (__add 1 2)
  (__elemAt [ 5 6 ] 1)
  (__typeOf 1)
  (__isAttrs __mapAttrs)
]
