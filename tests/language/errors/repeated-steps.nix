let
  go = n: if n == 0 then [ (throw "end") ] else [ n (go (n - 1)) ];
in
go 20
