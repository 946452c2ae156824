# A string behind a path: the whole becomes canonical, whatever the string is.
map toString [
  (/a + "/b")
  (/a + "b/c")
  (/a + "")
  (/a + "/b/")
  (/a + "//b")
  (/a + "/./b")
  (/a + "/../b")
  (/a + "/..")
  (/a + "..")
  (/a + "/.b")
  (/a/b + "/../../../c")
  (/. + "b")
  (/. + "/b")
  (/. + "..")
  (/a + "é/ü")
]
