# Strings are bytes: a character may be cut in two and put together again.
let
  s = "é";
  first = builtins.substring 0 1 s;
  second = builtins.substring 1 1 s;
in
[
  (builtins.stringLength s)
  (first + second == s)
  (first == second)
  (builtins.stringLength first)
  (builtins.replaceStrings [ first ] [ "<" ] s == "<" + second)
]
