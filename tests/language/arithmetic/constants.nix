# Arithmetic of literals comes to the same when it is done before the program runs.
{
  numbers = [ (-5) (2 - 7) (1024 * 1024 * 4) (7 / 2) (-7 / 2) (1 + 2 * 3 - 4 / 2) (-(-3)) (0 - 9223372036854775807 - 1) ];
  mixed = [ (1 + 2.5) (-2.5) (3 * 0.5) ("a" + "b") (1 < 2) ];
  default = ({ a ? -1, b ? 2 * 3 }: [ a b ]) { };
  own = let __sub = a: b: "${toString a} without ${toString b}"; in [ (5 - 3) (-4) (5 + 3) ];
  times = let __mul = a: b: a + b; in [ (5 * 3) (2 + 5 * 3) ];
  over = let __div = a: b: b; in 8 / 2;
  failures = map builtins.tryEval [ (throw "no") (-(1 + 1)) ];
  compared = [ (-1 == 0 - 1) (2 + 2 == 4) (-1 < 0) ];
  nested = ((((((1 + 1) + 1) + 1) + 1) + 1) + 1) * ((((2 * 2) * 2) * 2) * 2);
  selected = { x = -1; }.x or (2 - 4);
}
