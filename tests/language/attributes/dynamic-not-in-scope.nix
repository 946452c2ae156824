# Dynamic attributes of a rec set are not in scope.
let n = "x"; in
rec {
  y = 1;
  ${n} = y + 1;
}
