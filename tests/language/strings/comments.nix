# A comment, /* not a block */
[
  /* block */ 1
  2 # to the end of line
  /* over
     lines **/ 3
  /**/ 4
  /* " unclosed quotes '' in a comment */ 5
  "# not a comment"
  "/* nor this */"
]
