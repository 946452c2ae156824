# Equality stops at the first difference: lengths, names, then values in order.
[
  ([ 1 (throw "no") ] == [ 2 (throw "no") ])
  ([ (throw "no") ] == [ ])
  ({ a = throw "no"; } == { b = throw "no"; })
  ({ a = 1; b = throw "no"; } == { a = 2; b = throw "no"; })
]
