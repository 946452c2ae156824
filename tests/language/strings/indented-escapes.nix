let x = "X"; in
[
  ''a ''${x} b''
  ''a ''$ b $$ ''
  ''three ''' quotes''
  ''tab ''\t newline ''\n backslash ''\\ other ''\q end''
  ''backslash \n stays \ ${x}''
  ''$${x} and $''${x}''
  ''
    ''\n  after escape
    text''
  ''ends with ''' ''
]
