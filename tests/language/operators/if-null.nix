let condition = null; in
if condition then "a" else "b"
