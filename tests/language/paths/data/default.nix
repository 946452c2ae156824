"a default"
