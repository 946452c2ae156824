# Elements stand apart by blanks; a call or an operator needs parentheses.
let
  f = x: x + 1;
  s = { a = 10; };
in
[
  (builtins.length [ f 1 ])
  (builtins.length [ (f 1) ])
  (builtins.length [ s.a s.b or 2 ])
  (builtins.length [ 1 2.5.5 ])
  (builtins.length [ a:b ])
]
