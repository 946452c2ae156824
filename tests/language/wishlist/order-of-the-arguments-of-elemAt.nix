# Nix evaluates the index first.
(builtins.tryEval (builtins.elemAt (abort "list") (throw "index"))).success
