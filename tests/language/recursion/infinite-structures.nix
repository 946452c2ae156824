let
  ones = { head = 1; tail = ones; };
  from = n: { head = n; tail = from (n + 1); };
  take = n: s: if n == 0 then [ ] else [ s.head ] ++ take (n - 1) s.tail;
in
[ (take 3 ones) (take 5 (from 10)) ]
