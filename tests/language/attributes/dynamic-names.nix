let
  n = "key";
  m = { inner = "deep"; };
in
{
  ${n} = 1;
  "${n}2" = 2;
  "pre-${n}-post" = 3;
  ${m.inner}.x = 4;
  a.${n}.b = 5;
  a.other = 6;
  ${null} = "absent";
  ${if true then "yes" else "no"} = 7;
}
