{ scale ? 1 }:
let
  escape = builtins.replaceStrings [ "\\" "\"" "\n" "$" ] [ "\\\\" "\\\"" "\\n" "\\$" ];
  line = i: "value-${toString i} = \"$HOME/some/path\"\n";
  words = s: builtins.filter builtins.isString (builtins.split "[/=]" s);
in builtins.foldl' (sum: i: sum + builtins.stringLength (escape (line i)) + builtins.length (words (line i))) 0 (builtins.genList (i: i) (15000 * scale))
