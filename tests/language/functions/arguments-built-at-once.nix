# Sets and lists that are passed to functions are values as soon as the call is made; what is in them is still put off.
let
  first = list: builtins.elemAt list 0;
  count = x: if builtins.isList x then builtins.length x else builtins.length (builtins.attrNames x);
  ignore = x: y: y;
  same = x: x == x;
  both = x: y: x == y;
  fails = { set.missing = 1; }.set;
  knot = ignore [ (throw "a") knot ] "tied";
  ring = (list: list) [ 1 (first ring) (builtins.length ring) ];
  circle = (set: set) { value = 5; next = circle; twice = 2 * circle.value; };
  deep = n: { inherit n; next = if n == 0 then null else (set: set) { below = deep (n - 1); }; };
  merge = sets: builtins.foldl' (a: b: a // b) { } sets;
  option = { type, default ? throw "no default", ... }: if default == null then type.name else default;
  types = { int.name = "int"; text = throw "no text"; };
in
[
  (count [ (throw "b") (throw "c") (throw "d") ])
  (count [ (throw "b") (throw "c") (throw "d") (throw "e") ])
  (count { a = throw "f"; b = fails.other; c = types.text; })
  (ignore { a = fails.other; } 1)
  (ignore [ fails.other types.text.name (x: x) ] 2)
  knot
  ring
  circle.next.next.twice
  (deep 2).next.below.next.below.n
  (merge [ { a = 1 + 1; } { b = [ (1 + 2) ]; } { a = 3; } ])
  (option { type = types.int; default = 1; })
  (option { type = types.int; default = null; other = types.text; })
  (option { type = types.text; default = types.int.name; })
  (same [ (x: x) (1 + 1) ])
  (both [ (x: x) ] [ (x: x) ])
  (same { f = x: x; g = types.int; })
  (map (f: f { a = 4; b = throw "g"; }) [ (x: x.a) (x: x ? b) ({ a, ... }: a) (x: builtins.attrNames x) ])
  ((x: y: x ++ y) [ (1 + 4) ] [ (1 + 5) ])
  (builtins.tryEval (first [ (throw "h") 1 ])).success
  (builtins.tryEval (first [ [ (throw "i") ] ])).success
]
