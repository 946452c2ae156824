# The innermost `with` is asked first, and those outside only where it has no such name.
let
  outer = { a = 1; b = 2; };
  inner = { b = 3; };
in
with outer; with inner; [ a b ]
