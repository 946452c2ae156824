# Lines count line feeds; columns count bytes.
let
  s = "éé"; a = __curPos.column;
  t = "漢字"; b = __curPos.column;
in
[ a b __curPos.line ]
