{ type = "derivation"; name = "n"; }
