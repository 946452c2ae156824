# No path of the store has such a name: Nix tells, also where it is asked only whether something is there.
builtins.pathExists /nix/store/foo/bar
