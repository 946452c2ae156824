# A dash between letters belongs to the name; with blanks around it, or before a digit, it is an operator.
let
  a-b = 10;
  a = 3;
  b = 1;
in
[
  a-b
  (a - b)
  (a -b)
  (b - 1)
]
