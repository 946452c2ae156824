# Where the word itself stands.
let
  here = __curPos;
in
[
  { inherit (here) line column; }
  (let p = __curPos; in p.line)
  __curPos.column
  (builtins.baseNameOf here.file)
  (builtins.attrNames here)
]
