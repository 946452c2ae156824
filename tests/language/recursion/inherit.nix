let
  x = 1;
  s = { y = 2; z = { w = 3; }; };
in
{
  inherit x;
  inherit (s) y;
  inherit (s.z) w;
  inherit;
  inherit (s);
  inherit ({ k = 4; }) k;
}
