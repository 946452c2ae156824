# The first that is wrong is told, however many there are before it and behind it.
builtins.listToAttrs (builtins.genList (index: { name = if index == 40 then 1 else "n${toString index}"; value = index; }) 45 ++ [ { name = "x"; } (throw "behind it") ])
