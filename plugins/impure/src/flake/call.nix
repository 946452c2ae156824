# The outputs of a flake whose locks are known, as `lock.nix` has them: a set of its outputs, with `inputs`, `outPath`,
# `sourceInfo` and what is known of the tree.
root:
let
  inherit (builtins) concatStringsSep elem foldl' head isFunction mapAttrs removeAttrs substring tail;

  fetch = attrs:
    __addErrorContext "while fetching the input '${__flakeShow attrs}'" (__fetchInput (attrs // { __final = true; }) false);

  # What a list of names leads to, from the root. `seen` are the lists that led here.
  find = seen: path:
    if elem path seen then
      __flakeFail
        "follow cycle detected: [${concatStringsSep " -> " (map (concatStringsSep "/") (seen ++ [ path ]))}]"
    else foldl' (node: id: resolve (seen ++ [ path ]) node.specs.${id}) top path;
  resolve = seen: spec: if spec ? follows then find seen spec.follows else spec.value;

  # A node with what it evaluates to.
  evaluated = node:
    let
      isRelative = node.tree == null && node.locked.type == "path" && substring 0 1 node.locked.path != "/";
      parent = find [ ] node.parent;
      sourceInfo =
        if node.tree != null then node.tree
        else if isRelative then parent.sourceInfo
        else (fetch (removeAttrs node.locked [ "dir" ])).tree;
      dir = if node.tree != null then node.dir else node.locked.dir or "";
      base =
        if isRelative then parent.outPath + (if node.locked.path == "" then "" else "/" + node.locked.path)
        else sourceInfo.outPath;
      outPath = base + (if dir == "" then "" else "/" + dir);
      flake = import (outPath + "/flake.nix");
      inputs = mapAttrs (_: spec: (resolve [ ] spec).result) specs;
      outputs = flake.outputs (inputs // { self = result; });
      result = outputs // sourceInfo // {
        inherit outPath inputs outputs sourceInfo;
        _type = "flake";
      };
      specs = mapAttrs (_: spec: if spec ? follows then spec else { value = evaluated spec.node; }) node.inputs;
    in
    {
      inherit outPath sourceInfo specs;
      result =
        if !node.flake then sourceInfo // { inherit sourceInfo outPath; }
        else
          assert isFunction flake.outputs;
          result;
    };

  top = evaluated root;
in
top.result
