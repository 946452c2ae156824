# A function's body goes as far as it can.
let f = x: x + 1 * 2; g = x: y: if x then y else 0; in [ (f 1) (g true 5) ]
