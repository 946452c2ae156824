rec {
  a = 1;
  inner = rec {
    a = 2;
    deeper = rec { b = a; };
  };
  outer = a;
}
