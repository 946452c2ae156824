# ++ leans to the right: what is on the left is not evaluated first where the right fails.
[ 1 ] ++ (throw "right")
