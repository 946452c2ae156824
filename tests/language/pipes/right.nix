[
  (1 |> (x: x + 1))
  (1 |> (x: x + 1) |> (x: x * 10))
  ([ 1 2 3 ] |> map (x: x * 2) |> builtins.foldl' (a: b: a + b) 0)
  (1 + 2 |> (x: x * 10))
]
