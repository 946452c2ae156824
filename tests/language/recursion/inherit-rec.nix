# `inherit x` in a rec set means the outer x; `inherit (e)` may use the set's own attributes.
let x = 1; in
rec {
  inherit x;
  y = x + 1;
  s = { a = 10; };
  inherit (s) a;
  b = a;
}
