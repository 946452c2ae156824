# A tab counts as one character of text, not as indentation.
[
  ''
	tab
	  tab and two
  ''
  ''
    x
  	y
  ''
]
