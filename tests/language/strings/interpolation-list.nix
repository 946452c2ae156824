let l = [ "a" ]; in "x ${l}"
