# The values are not looked at; the sides are, the right one too.
(let s = { a = throw "no"; } // { b = 1; }; in s.b)
