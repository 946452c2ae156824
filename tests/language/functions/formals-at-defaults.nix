# A default may use the whole argument, which does not hold the defaults.
let f = args@{ a ? args ? a, b ? builtins.attrNames args }: [ a b ]; in
[ (f { }) (f { a = 1; }) ]
