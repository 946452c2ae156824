# What is inherited from is evaluated when needed, once.
let s = { inherit (throw "not reached") a b; c = 1; }; in s.c
