[
  ((x: x + 1) <| 1)
  ((x: x * 10) <| (x: x + 1) <| 1)
  (builtins.length <| [ 1 2 ] ++ [ 3 ])
]
