[ (builtins.typeOf 0.0) 00.5 ]
