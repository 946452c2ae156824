# Flags name the folder `data` by the prefix `lib`, and the theme's folder without one.
[
  (import <lib/value.nix>)
  (import <lib>)
  (import <data/value.nix>)
  (builtins.baseNameOf <lib/value.nix>)
  (builtins.typeOf <lib>)
]
