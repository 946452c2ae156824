# A list too long for most of a block of memory may still lie in one.
let
  long = builtins.genList (i: i) 40000;
  short = builtins.genList (i: i) 40;
in
builtins.seq long (map (n: builtins.elemAt long n + builtins.length (map (x: x + n) short)) [ 0 1 20000 39999 ])
