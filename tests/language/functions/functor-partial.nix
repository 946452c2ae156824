{ __functor = self: 5; } 2
