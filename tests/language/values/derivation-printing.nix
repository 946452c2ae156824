# A set of type "derivation" is printed by its drvPath where it is not evaluated deeply.
let d = { type = "derivation"; drvPath = "/nix/store/x.drv"; outPath = "/nix/store/x"; name = "n"; }; in
[ d { inherit d; } ]
