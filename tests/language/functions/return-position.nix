# The trace names the function that was called.
let
  fails = x: throw "failed with ${toString x}";
in
fails 3
