# A constant string in a dynamic position is a static name.
rec {
  "a" = 1;
  b = a + 1;
  ${"c"} = b + 1;
  d = c + 1;
}
