# With blanks around the slash it is a division; without, a path.
let a = 6; b = 2; in
[ (a / b) (a/ b) (builtins.typeOf a/b) ]
