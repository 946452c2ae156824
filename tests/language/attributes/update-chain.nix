# A long chain of small updates.
let
  go = n: acc: if n == 0 then acc else go (n - 1) (acc // { "k${toString (n - n / 10 * 10)}" = n; });
in
go 500 { }
