import ./data/fails.nix 1
