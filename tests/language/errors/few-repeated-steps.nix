let
  go = n: if n == 0 then throw "end" else { next = go (n - 1); };
in
go 3
