let z = 3; in
# The old form: a recursive set whose `body` is the value.
let {
  x = 1;
  y = x + 1;
  body = [ x y z ];
  inherit z;
}
