# The last expression of the file is its value; a folder means its default.nix.
[
  (import ./data/value.nix)
  (import ./data)
  (import ./data/function.nix 4)
  (import (./data + "/value.nix"))
  (import (toString ./data/value.nix))
]
