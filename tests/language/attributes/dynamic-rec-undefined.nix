let n = "x"; in
rec {
  ${n} = 1;
  y = x;
}
