# Messages tell strings that refer to the store from others.
let
  drv = derivation {
    name = "x";
    system = "s";
    builder = "b";
  };
in
1 + "${drv}"
