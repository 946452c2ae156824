{ scale ? 1 }:
let item = n: { key = n; }; in builtins.length (builtins.genericClosure { startSet = [ (item 0) ]; operator = { key }: if key < 30000 * scale then [ (item (key + 1)) (item (key / 2)) ] else [ ]; })
