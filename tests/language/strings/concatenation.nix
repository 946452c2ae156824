[
  ("a" + "b")
  ("a" + "b" + "c" + "d")
  ("" + "")
  ("a" + ("b" + "c"))
  ("x" + { outPath = "/p"; })
  ({ __toString = _: "left"; } + "-right")
  ({ outPath = "/p"; } + "/sub")
]
