# A function literal is no operand.
1 + x: x
