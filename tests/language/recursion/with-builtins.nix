with builtins; [ (length [ 1 2 ]) (map (x: x * 2) [ 1 2 ]) (elem 1 [ 1 ]) ]
