{ foo = 1; fooo = 2; }.fo
