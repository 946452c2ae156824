# With a blank behind the colon it is a function.
((x: x) 1)
