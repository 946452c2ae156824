# Names are checked before anything is evaluated.
let unused = nope; in 1
