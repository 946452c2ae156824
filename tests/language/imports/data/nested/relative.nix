[ (import ./../value.nix).x (import ./sibling.nix) (import ../function.nix 3) ]
