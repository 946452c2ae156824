# Both sides are evaluated.
[ 1 ] ++ (throw "right")
