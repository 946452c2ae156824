# The set is evaluated only when a name is looked up in it.
[
  (with throw "not reached"; 1)
  (let x = 1; in with throw "not reached"; x)
  (with { a = throw "not reached"; b = 2; }; b)
]
