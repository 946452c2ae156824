# Printing evaluates from the first element on.
[ 1 (throw "second") (throw "third") ]
