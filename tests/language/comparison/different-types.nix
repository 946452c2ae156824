# Values of different types are unequal, never an error.
[
  (1 == "1")
  (null == false)
  ([ ] == { })
  ({ } == null)
  ("" == null)
  (1 == true)
  (/a == "/a")
  ((x: x) == 1)
]
