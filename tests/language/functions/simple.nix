[
  ((x: x + 1) 1)
  ((x: y: x - y) 10 3)
  ((x: y: z: x + y * z) 1 2 3)
  (let f = a: b: a + b; g = f 1; in g 2)
  ((_: 1) 2)
  ((x: (x: x) 2) 1)
]
