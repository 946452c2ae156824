# Behind a string a path is copied to the store; behind a set that becomes one it is its text, and so is the path that the set stands for.
let
  name = text: builtins.baseNameOf (builtins.unsafeDiscardStringContext text);
in
[
  (name ({ outPath = "a"; } + ./data/value.nix) == "value.nix")
  (name ({ __toString = _: "a"; } + ./data/value.nix) == "value.nix")
  (name ({ outPath = ./data/value.nix; } + "") == "value.nix")
  (name ("a" + ./data/value.nix) == "value.nix")
  (name "${{ outPath = "a"; }}${./data/value.nix}" == "value.nix")
]
