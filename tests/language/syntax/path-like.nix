[ (builtins.typeOf a/b) (builtins.typeOf ./a) (builtins.typeOf /a) (builtins.typeOf ../a) ]
