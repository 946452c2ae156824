# A relative path in an imported file is relative to that file.
import ./data/nested/relative.nix
