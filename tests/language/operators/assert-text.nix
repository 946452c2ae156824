assert (builtins.length [ 1 ] > 2 && true || false);
1
