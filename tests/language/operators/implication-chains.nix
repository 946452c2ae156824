# -> leans to the right.
[
  (true -> true -> true)
  (true -> true -> false)
  (false -> throw "never")
  ((true -> false) -> true)
]
