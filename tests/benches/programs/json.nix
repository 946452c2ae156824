{ scale ? 1 }:
let value = builtins.genList (i: { name = "n${toString i}"; values = [ i 1.5 true null "text" ]; }) (10000 * scale); in builtins.length (builtins.fromJSON (builtins.toJSON value))
