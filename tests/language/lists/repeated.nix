# A list that is printed again is the same cell, not the same members: what a call comes to is a cell of its own.
let
  list = [ 1 2 3 ];
  generated = builtins.genList (index: index) 5;
  function = argument: if argument == 0 then list else function (argument - 1);
  value = function 1;
  mapped = map (each: each) list;
  first = argument: [ argument (builtins.length argument) (second argument) ];
  second = argument: { inherit argument; };
in
{
  variables = [ list list generated generated ];
  calls = [ (function 0) (function 1) (function 2) ];
  called = [ value value { again = value; more = [ value ]; } ];
  mapped = map (each: list) [ 1 2 ];
  passed = first mapped;
  same = [ (list ++ [ ]) ([ ] ++ list) (builtins.concatLists [ list ]) (builtins.filter (each: true) list) ];
}
