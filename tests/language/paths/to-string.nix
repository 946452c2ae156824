[
  (toString /a/b)
  (builtins.typeOf (toString /a/b))
  (baseNameOf /a/b)
  (dirOf /a/b)
  (baseNameOf "/a/b/")
  (dirOf "/a/b")
  (dirOf "a")
  (dirOf "/a")
  (dirOf /.)
  (baseNameOf "")
]
