# Nix evaluates members in the order in which their names were first read, not in that of the names.
(builtins.tryEval (builtins.deepSeq {
  wishB = throw "first";
  wishA = abort "second";
} 1)).success
