let
  boom = throw "evaluated";
  const = a: b: a;
  s = { a = boom; b = 1; };
in
[
  (const 1 boom)
  s.b
  (builtins.length [ boom boom ])
  (if true then 1 else boom)
  (true || boom)
  (false && boom)
  (false -> boom)
  (builtins.attrNames s)
  ((x: 1) boom)
  (({ a ? boom }: 2) { })
  (({ a, ... }: 3) { a = boom; })
]
