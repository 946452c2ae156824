[ injected (builtins.isString map) (builtins ? map) ]
