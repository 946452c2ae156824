# A float on either side makes the result a float.
[
  (1 + 2.0)
  (1.5 + 1)
  (3 * 0.5)
  (7 / 2.0)
  (7.0 / 2)
  (1 - 0.5)
  (2.5 - 2)
  (10 / 4 * 1.0)
]
