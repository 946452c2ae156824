# A builtin that fails as a predicate is named in the trace, and so is the one that called it.
let f = list: builtins.all builtins.head list;
in f [ [ true ] [ ] ]
