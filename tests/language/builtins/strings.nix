[
  (builtins.substring 1 2 "hello")
  (builtins.substring 3 (-1) "hello")
  (builtins.stringLength "hello")
  (builtins.replaceStrings [ "a" "b" ] [ "b" "a" ] "ab")
  (builtins.replaceStrings [ "" ] [ "-" ] "ab")
  (builtins.splitVersion "1.2-rc3")
  (builtins.concatStringsSep ", " [ "a" "b" ])
  (builtins.match "([a-z]+)-([0-9]+)" "abc-123")
  (builtins.split "-" "a-b-c")
  (builtins.compareVersions "1.10" "1.9")
  (builtins.parseDrvName "name-1.2.3")
]
