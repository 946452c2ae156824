[
  "tab\tnewline\nreturn\rquote\"backslash\\dollar\${x}other\q"
  "$"
  "$$"
  "$x"
  "\$"
  "a$${b}c"
  "line
break"
  "\${"
  "é ü 漢字 😀"
]
