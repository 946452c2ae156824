# A null name leaves its attribute out, at any depth.
{
  a.${null}.b = 1;
  c.${null} = 2;
}
