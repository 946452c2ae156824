# What is left of lists, short and long, with members that are not evaluated.
let
  rest = n: list: if n == 0 then list else rest (n - 1) (builtins.tail list);
  numbers = builtins.genList (i: i * i) 3000;
in
[
  (builtins.tail [ 1 ]) (builtins.tail [ (throw "first") 2 3 ]) (builtins.length (builtins.tail [ 1 (throw "second") ]))
  (rest 2997 numbers) (builtins.length (rest 1500 numbers)) (builtins.head (rest 1500 numbers)) (builtins.length numbers)
]
