# Names that are known from the start come before others, in one order: those of the evaluator, of builtins, of `derivation`.
let
  first = set: builtins.tryEval (builtins.deepSeq set "none");
  member = { mine = abort "mine"; };
in
map first [
  (member // { x = throw "x"; })
  { x = abort "x"; map = throw "map"; }
  { map = abort "map"; import = throw "import"; }
  { add = abort "add"; sort = throw "sort"; }
  { strict = throw "strict"; x = abort "x"; }
  { import = abort "import"; type = throw "type"; }
]
