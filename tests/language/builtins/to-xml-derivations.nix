builtins.toXML [
  { type = "derivation"; drvPath = ""; a = 1; }
  { type = "derivation"; drvPath = "x"; outPath = "o"; a = 1; }
  { type = "derivation"; drvPath = "x"; a = 2; }
  { type = "derivation"; a = 3; }
  { type = "derivation"; drvPath = 3; outPath = 4; a = 5; }
]
