"a value"
