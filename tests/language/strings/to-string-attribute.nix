# __toString wins over outPath, may answer another set, and sees the whole set.
let
  a = { __toString = self: { outPath = "inner"; }; outPath = "unused"; };
  b = { __toString = self: toString self.n; n = 5; };
  c = { outPath = { outPath = "deep"; }; };
in
[ (toString a) "${b}" (toString c) "${c}" ]
