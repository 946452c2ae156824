# The name of a parameter is known behind its body: so `zork` comes first here.
let
  caught = builtins.tryEval (builtins.deepSeq ((zirk: { zork = 1; zirk = throw "zirk"; }) 0) 1);
in
[
  caught.success
  ((zirk: { zork = throw "zork"; zirk = abort "zirk"; }) 0)
]
