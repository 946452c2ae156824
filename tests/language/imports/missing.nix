import ./data/nothing-here.nix
