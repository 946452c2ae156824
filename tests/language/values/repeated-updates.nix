# What `//` makes is another set than both sides, also where it has the same attributes; that of an empty set and another is the other.
let
  f = x: { a = 1; } // { b = x; };
  right = f 2;
  g = { a = 1; b = 4; };
  many = builtins.listToAttrs (builtins.genList (i: { name = "k${toString (10 + i)}"; value = i; }) 30);
  over = { k11 = null; } // many;
in [
  [ right (f 1 // right) ]
  [ (g // g) g (g // g) ]
  [ g ({ } // g) (g // { }) ]
  [ over many over (over == many) (builtins.length (builtins.attrNames over)) (over // { k12 = "x"; }).k12 ({ k12 = "x"; } // over).k12 ]
]
