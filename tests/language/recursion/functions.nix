let
  even = n: if n == 0 then true else odd (n - 1);
  odd = n: if n == 0 then false else even (n - 1);
  fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2);
in
[ (even 100) (odd 7) (odd 10) (map fib [ 0 1 2 3 4 5 10 15 ]) ]
