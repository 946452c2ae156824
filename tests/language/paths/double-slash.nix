# Two slashes end the path, and a path may not end in a slash.
/a//b
