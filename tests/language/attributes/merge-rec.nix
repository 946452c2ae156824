# The recursion of the first literal is kept, and reaches what is merged in.
{
  a = rec { x = 1; y = x + z; };
  a.z = 10;
}
