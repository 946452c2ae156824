let l = n: builtins.foldl' (i: _: [ i ]) [ ] (builtins.genList (i: i) n); in builtins.toJSON (l 10000)
