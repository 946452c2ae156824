# The report of a failed comparison says how the sides differ.
assert { a = 1; b = 2; } == { a = 1; b = 3; };
1
