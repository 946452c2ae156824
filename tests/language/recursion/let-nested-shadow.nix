let x = 1; in
[
  (let x = 2; in x)
  (let y = x; in let x = 3; in [ x y ])
  (let f = x: x; in f 4)
  ((x: let x = 5; in x) 6)
]
