# A value that is missing matters where the name is new, at the end of a long list, too.
builtins.listToAttrs (builtins.genList (index: { name = "n${toString index}"; value = index; }) 45 ++ [ { name = "n3"; } { name = "x"; } ])
