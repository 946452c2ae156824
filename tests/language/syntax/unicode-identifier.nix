let ü = 1; in ü
