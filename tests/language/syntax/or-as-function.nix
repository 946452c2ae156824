let f = x: y: [ x y ]; or = 3; in f 1 or
