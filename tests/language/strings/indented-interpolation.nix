let
  x = "one\n  two";
  n = "";
in
[
  ''
    ${x}
      deeper ${x}
    end
  ''
  ''
    a
    ${n}
    b
  ''
  ''
     ${"three"}
    four
  ''
  ''${x}''
  ''  ${x}''
]
