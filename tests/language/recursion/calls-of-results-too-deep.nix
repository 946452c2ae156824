let f = n: if n == 0 then (x: x) else (x: f (n - 1) x); in f 20000 "beyond it"
