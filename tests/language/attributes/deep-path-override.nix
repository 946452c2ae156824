# Paths through a set that is not a literal cannot be merged.
let s = { x = 1; }; in
{
  a = s;
  a.y = 2;
}
