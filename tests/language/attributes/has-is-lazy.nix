# The last attribute is not evaluated, those before it are.
[
  ({ a = throw "not reached"; } ? a)
  ({ a.b = throw "not reached"; } ? a.b)
]
