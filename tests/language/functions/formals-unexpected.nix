let f = { alpha, beta ? 2 }: alpha; in
f { alpha = 1; bet = 2; }
