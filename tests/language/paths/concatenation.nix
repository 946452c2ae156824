[
  (builtins.typeOf (/a + "/b"))
  (builtins.typeOf ("/a" + "/b"))
  (/a + /b)
  (/a + "")
  (/a + "b" + "c")
  (/. + "a")
  (/. + "/a")
  (/a/b + "/..")
]
