# What a call returns is called in turn, in tail position: these are nested calls as well.
let f = n: if n == 0 then (x: x) else (x: f (n - 1) x); in f 9990 "at the limit"
