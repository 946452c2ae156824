# appendContext needs nothing but well-formed store paths.
let
  s = builtins.appendContext "x" {
    "/nix/store/00000000000000000000000000000000-a" = { path = true; };
    "/nix/store/11111111111111111111111111111111-b.drv" = { outputs = [ "out" "dev" ]; };
  };
in
[
  s
  (builtins.hasContext s)
  (builtins.getContext s)
  (builtins.hasContext (builtins.unsafeDiscardStringContext s))
]
