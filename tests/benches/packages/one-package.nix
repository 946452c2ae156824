# The path of one derivation that needs many others.
{ packages, name ? "curl", ... }:
builtins.unsafeDiscardStringContext (import packages { }).${name}.drvPath
