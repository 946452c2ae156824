# What the overrides read on their way does not keep the old set for those who come later.
rec {
  x = 1;
  later = x;
  sooner = replaced;
  replaced = x;
  __overrides = if sooner == 1 then { x = 2; replaced = 5; } else { };
}
