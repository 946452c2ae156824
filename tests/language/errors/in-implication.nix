true -> ((x: x) (throw "right"))
