# Relative to the file, of which only the last two names are shown.
map (p: builtins.baseNameOf (builtins.dirOf p) + "/" + builtins.baseNameOf p) [
  ./x
  ./x/y
  ../paths/z
  ./a/../b
  x/y
  ./.
]
