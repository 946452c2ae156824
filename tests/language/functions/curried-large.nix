# More arguments at once than most calls have.
let
  f = a: b: c: d: e: g: h: i: j: k: [ a b c d e g h i j k ];
  partial = f 1 2 3;
in
[ (f 1 2 3 4 5 6 7 8 9 10) (partial 4 5 6 7 8 9 10) ((partial 0) 0 0 0 0 0 0) ]
