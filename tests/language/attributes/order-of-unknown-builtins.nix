# To name a builtin that there is not does not change in which order sets are compared.
let
  unknown = _: builtins.zork;
  set = _: { ${"q" + "q"} = throw "first"; ${"__zo" + "rk"} = throw "second"; };
in
set 1 == set 2 || unknown 1
