# An absolute string is no path until it is added to one.
[
  (builtins.isPath "/a")
  (builtins.isPath (/. + "/a"))
  (/. + "/a" == /a)
]
