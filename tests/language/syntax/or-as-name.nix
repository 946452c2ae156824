# `or` is a name where no selection precedes it.
let or = 1; in { or = 2; }.or
