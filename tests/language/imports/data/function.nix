x: x * x
