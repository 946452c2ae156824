# Each call of the functor is a call: that it never ends is told.
let s = { __functor = self: self; }; in s 1
