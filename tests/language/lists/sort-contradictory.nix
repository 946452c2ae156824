# What comparators that contradict themselves come to is as in Nix, also where they are asked of equal elements.
let
  numbers = [ 7 3 9 1 4 2 8 8 5 6 10 ];
  many = builtins.genList (i: i * 37 - i * 37 / 101 * 101) 60;
  runs = builtins.genList (i: i) 30 ++ builtins.genList (i: 30 - i) 30 ++ builtins.genList (i: i / 2) 30;
  pairs = builtins.genList (i: { key = i / 3; number = i; }) 40;
in
[
  (builtins.sort (a: b: a <= b) [ 3 1 2 3 1 ])
  (map (pair: pair.number) (builtins.sort (a: b: a.key <= b.key) pairs))
  (map (pair: pair.number) (builtins.sort (a: b: a.key >= b.key) pairs))
  (builtins.sort (a: b: builtins.bitAnd (a * b) 2 == 0) [ 1 2 3 4 5 6 7 8 ])
  (builtins.sort (a: b: builtins.bitXor a b > 3) numbers)
  (builtins.sort (a: b: true) many)
  (builtins.sort (a: b: false) many)
  (builtins.sort (a: b: builtins.bitXor a b < 20) many)
  (builtins.sort (a: b: a != b) runs)
]
