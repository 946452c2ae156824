[
  ''one line''
  ''
    two
    lines
  ''
  ''
    first
      indented
    last
  ''
  ''
      less
    least
        more
  ''
  ''

    blank lines do not count

    end''
  ''  leading'' 
  ''
    ''
  ''''
]
