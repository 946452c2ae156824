builtins.path { path = ./blake3.nix; sha256 = "blake3-ZDezrDhGUTP/tjt1JzqNtUjFWEZdedsD/TWcbNW9nYU="; }
