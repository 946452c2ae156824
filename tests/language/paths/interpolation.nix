let
  name = "mid";
  sub = "a/b";
in
[
  /x/${name}/y
  /x/pre-${name}
  /x/${sub}/z
  /${name}
  /x/${"y"}-${"z"}
  /x/${name + "dle"}.nix
]
