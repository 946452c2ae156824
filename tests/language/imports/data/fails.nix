# Fails when called.
x:
let
  message = "no luck with ${toString x}";
in
throw message
