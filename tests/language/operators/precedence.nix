# From tight to loose: ? ++ * + ! // < == && || ->
[
  (!false && true)
  (true || false && false)
  (1 + 1 == 2)
  (1 < 2 == true)
  (false -> true -> false)
  (true && false -> false)
  ([ 1 ] ++ [ 2 ] == [ 1 2 ])
  ({ } // { a = 1; } == { a = 1; })
  (!{ a = 1; } ? a)
  (1 + 2 < 2 * 2)
  (- 1 < 0)
  (1 == 1 && 2 == 2 || false)
  (false || false -> throw "no")
]
