builtins.typeOf builtins.fetchurl
