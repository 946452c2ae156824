let
  fix = f: let x = f x; in x;
  extend = f: g: self: let super = f self; in super // g self super;
  base = self: { a = 1; b = self.a + 1; };
  over = self: super: { a = super.a + 10; c = super.b; };
in
fix (extend base over)
