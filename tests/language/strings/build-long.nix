# A string that grows by single appends.
let
  go = n: s: if n == 0 then s else go (n - 1) (s + "abc");
in
[ (builtins.stringLength (go 2000 "")) (builtins.hashString "sha256" (go 2000 "")) ]
