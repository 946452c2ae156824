import "data/value.nix"
