# Division truncates towards zero; the largest and smallest integers are those of 64 bits.
[
  (7 / 2)
  (-7 / 2)
  (7 / -2)
  (-7 / -2)
  9223372036854775807
  (-9223372036854775807 - 1)
  (9223372036854775806 + 1)
  (3037000499 * 3037000499)
  007
]
