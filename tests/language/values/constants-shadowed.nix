# Nothing is reserved but the keywords.
let
  true = 1;
  null = 2;
  map = 3;
  builtins = 4;
in
[ true null map builtins false ]
