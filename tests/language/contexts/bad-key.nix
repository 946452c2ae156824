builtins.appendContext "a" { "/not/in/store" = { path = true; }; }
