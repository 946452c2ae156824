[
  (true -> false |> (x: !x))
  ({ a = 1; } // { b = 2; } |> builtins.attrNames)
]
