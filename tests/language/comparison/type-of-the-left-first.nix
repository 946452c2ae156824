# Whether the left set is a derivation is asked before anything else.
let
  fails = value: !(builtins.tryEval value).success;
in
[
  (fails ({ type = throw "type"; } == { a = 1; b = 2; }))
  (fails ({ type = throw "type"; } != { }))
  (fails (builtins.elem { type = throw "type"; } [ { } ]))
  ({ a = 1; } == { type = throw "type"; })
  (fails ({ type = "derivation"; } == { type = throw "type"; }))
  ({ type = "other"; a = 1; } == { type = throw "type"; })
]
