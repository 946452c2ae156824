builtins.typeOf builtins.getFlake
