# Builtins as predicates: what they take may be a thunk or not, and what they return may be one.
let
  split = builtins.split "," "a,b,c";
  delayed = map (x: x) [ 1 "two" [ 3 ] null ];
in
{
  strings = builtins.filter builtins.isString split;
  delayed = builtins.filter builtins.isString delayed;
  mixed = builtins.filter builtins.isList ([ [ ] 1 ] ++ delayed);
  heads = builtins.filter builtins.head [ [ true 1 ] [ false 2 ] [ (1 == 1) 3 ] ];
  all = [ (builtins.all builtins.isInt [ 1 2 ]) (builtins.all builtins.isInt [ 1 "2" (throw "unseen") ]) ];
  any = [ (builtins.any builtins.isInt [ "1" ]) (builtins.any builtins.isInt [ 1 (throw "unseen") ]) ];
  applied = builtins.filter (builtins.hasAttr "a") [ { a = 1; } { b = 2; } { a = 3; } ];
  less = builtins.filter (builtins.lessThan 2) [ 1 2 3 4 ];
  element = builtins.any (builtins.elemAt [ false true ]) [ 0 1 ];
  parted = builtins.partition builtins.isString [ 1 "a" (x: x) "b" ] // { wrong = [ ]; };
  fails = [
    (builtins.tryEval (builtins.all builtins.head [ [ true ] [ (throw "caught") ] ]))
    (builtins.tryEval (builtins.filter (builtins.getAttr "a") [ { a = throw "caught"; } ]))
  ];
}
