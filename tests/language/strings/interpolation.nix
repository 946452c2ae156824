let
  a = "x";
  b = { c = "y"; outPath = "/out"; };
  d = { __toString = self: "str-${self.v}"; v = "v"; };
in
[
  "${a}"
  "${a}${a}"
  "a${a}b${b.c}c"
  "${"nested ${"deep ${a}"}"}"
  "${b}"
  "${d}"
  "${if true then "yes" else "no"}"
  "${let z = "let"; in z}"
  "${toString 1} ${toString [ 1 "two" [ 3 ] null true false ]}"
]
