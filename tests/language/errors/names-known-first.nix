# Names that Nix knows from the start come first in a set, in its order.
{ zz = first; body = second; name = third; }
