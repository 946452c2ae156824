throw ''
  the first line
    the second, indented

  the last''
