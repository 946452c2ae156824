# Each sort of value as it is printed.
{
  null = null;
  yes = true;
  no = false;
  int = -5;
  float = 2.5;
  string = "quote \" backslash \\ newline \n tab \t return \r dollar $ \${ interpolation";
  path = /a/b;
  list = [ 1 [ ] ];
  set = { };
  function = x: x;
  builtin = builtins.add;
  partial = builtins.add 1;
  "needs quotes" = 1;
  "if" = 2;
  "or" = 3;
  "a-b" = 4;
  "a'" = 5;
  "1a" = 6;
  "_x" = 7;
  "-x" = 8;
  "a.b" = 9;
}
