# Multiplication binds tighter than addition, negation tightest; division and subtraction lean to the left.
[
  (1 + 2 * 3)
  ((1 + 2) * 3)
  (20 / 5 / 2)
  (20 - 5 - 2)
  (20 / 5 * 2)
  (-2 * 3)
  (- 2 + 3)
  (2 - -3)
  (2 * -3)
  (-(-4))
]
