let f = { __functor = self: { a, b }: a + b; }; in f { a = 1; }
