# Values that are evaluated are compared at once if they are small: the answers are the same for large, deep and lazy ones.
let
  numbers = n: builtins.genList (i: i) n;
  named = n: f: builtins.listToAttrs (map (i: { name = "n${toString i}"; value = f i; }) (numbers n));
  nested = n: x: if n == 0 then x else [ { a = nested (n - 1) x; } ];
  evaluated = e: builtins.deepSeq e e;
  identity = x: x;
  pairs = f: [
    (f (numbers 3) (numbers 3)) (f (numbers 3) (numbers 4)) (f (numbers 100) (numbers 100)) (f (numbers 100) (numbers 99 ++ [ 0 ]))
    (f (named 5 identity) (named 5 identity)) (f (named 5 identity) (named 5 (i: i + 1))) (f (named 99 identity) (named 99 identity))
    (f (nested 3 1) (nested 3 1)) (f (nested 3 1) (nested 3 2)) (f (nested 30 1) (nested 30 1)) (f (nested 30 1) (nested 30 2))
    (f { a = 1; b = identity; } { a = 2; b = identity; }) (f { a = identity; } { a = identity; }) (f { a = x: x; } { a = x: x; })
    (f ({ a = 1; } // named 90 identity // { z = 1; }) (named 90 identity // { a = 1; z = 1; }))
    (f [ 1 "a" null true 1.5 ./x ] [ 1 "a" null true 1.5 ./x ]) (f { type = "x"; a = 1; } { type = "x"; a = 1; })
    (f { a = 1; } [ 1 ]) (f { } { a = 1; }) (f [ 1 2 ] [ 1.0 2.0 ])
  ];
  lazy = [ 1 { a = throw "a"; } ];
  fails = e: !(builtins.tryEval e).success;
in
[
  (pairs (a: b: a == b))
  (pairs (a: b: evaluated a == evaluated b) == pairs (a: b: a == b))
  (pairs (a: b: builtins.elem (evaluated a) [ (evaluated b) ]) == pairs (a: b: a == b))
  (pairs (a: b: builtins.elem a [ 1 b ]) == pairs (a: b: [ a ] == [ b ]))
  (lazy == [ 2 { a = 1; } ]) (fails (lazy == [ 1 { a = 1; } ])) (fails (lazy == lazy)) ([ lazy ] == [ lazy ])
  ([ 1 2 (throw "b") ] == [ 1 3 4 ]) (fails ([ (throw "b") 2 ] == [ 1 3 ]))
]
