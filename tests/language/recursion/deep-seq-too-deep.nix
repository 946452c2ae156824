let l = n: builtins.foldl' (i: _: [ i ]) [ ] (builtins.genList (i: i) n); in builtins.deepSeq (l 10000) 1
