# In a plain set it is an attribute like any other.
{
  a = 1;
  __overrides = { a = 10; };
}
