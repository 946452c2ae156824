[
  (let { body = 1; })
  (let { x = 2; body = x * y; y = 3; })
  (let { inherit (rec { a = 1; b = a; }) a b; body = [ a b ]; })
]
