# Each operand of an update stands where it stands.
let
  left = throw "left";
in
{ a = 1; } // (left // { b = 2; })
