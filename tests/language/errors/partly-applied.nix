let
  f = x: y: z: x;
in
"${f 1 2}"
