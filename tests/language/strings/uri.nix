# Old URI literals are strings.
[
  http://example.org/a?b=c&d=e#f
  ftp://x.y:80/~z
  mailto:a@b.c
  a:b
  x:1
]
