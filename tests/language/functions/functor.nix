let
  counter = { base = 10; __functor = self: x: self.base + x; };
  twice = { __functor = self: f: x: f (f x); };
  nested = { __functor = self: { __functor = inner: x: x + 100; }; };
in
[
  (counter 5)
  ((counter // { base = 20; }) 5)
  (twice (x: x * 3) 2)
  (map counter [ 1 2 ])
  (nested 1)
  (twice twice (x: x + 1) 0)
]
