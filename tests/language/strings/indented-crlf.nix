# Carriage returns are part of the text.
[ ''
    a
    b
  '' "x
y" ]
