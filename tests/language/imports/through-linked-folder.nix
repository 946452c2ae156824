# A link on the way to a file stays: relative paths begin where the file was reached.
import ./data/linked/one/parts/part.nix
