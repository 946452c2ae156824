let
  add1 = builtins.add 1;
  sel = builtins.getAttr "a";
in
[
  (add1 2)
  (map add1 [ 1 2 3 ])
  (sel { a = 7; })
  (builtins.isFunction add1)
  (builtins.typeOf add1)
  (builtins.foldl' builtins.add 0 [ 1 2 3 ])
]
