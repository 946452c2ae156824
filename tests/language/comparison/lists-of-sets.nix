# Equal leading elements need no order.
[
  ([ { a = 1; } 1 ] < [ { a = 1; } 2 ])
  ([ null 2 ] < [ null 1 ])
  ([ true 1 ] < [ true 3 ])
]
