# A file made of text has its path in the store, whether or not anybody writes it.
builtins.toFile "greeting" "hello\n"
