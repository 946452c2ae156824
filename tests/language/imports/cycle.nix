import ./data/cycle-a.nix
