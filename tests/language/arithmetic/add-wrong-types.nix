# A string and an integer do not add.
1 + "x"
