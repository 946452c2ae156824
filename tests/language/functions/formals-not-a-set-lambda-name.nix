let named = { a }: a; in named [ 1 ]
