[
  (builtins.scopedImport { injected = 5; } ./data/scoped.nix)
  (builtins.scopedImport { injected = 6; map = "shadowed"; } ./data/scoped.nix)
]
