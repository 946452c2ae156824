# What a function looks like when printed.
[
  (x: x)
  ({ a }: a)
  builtins.add
  (builtins.add 1)
  { f = x: x; }
]
