let
  f = args@{ a, b ? 2, ... }: [ a b args ];
  g = { a, ... }@args: args.a + a;
in
[ (f { a = 1; c = 3; }) (g { a = 4; }) (f { a = 1; b = 9; }) ]
