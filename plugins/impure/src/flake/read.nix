# What a flake.nix says. `dir` is the folder that it is in, `shown` how messages call the flake, `path` the names of the inputs
# that lead to it. Answers { inputs, self }: its inputs by name, each as
#   { ref, flake, follows, overrides }
# where `ref` is a set of attributes or null, `follows` a list of names from the root or null; and the attributes of `inputs.self`.
{ dir, shown, path }:
let
  inherit (builtins)
    attrNames elem filter foldl' functionArgs hasAttr head isAttrs isBool isFunction isInt isPath isString listToAttrs
    mapAttrs removeAttrs split stringLength substring toString typeOf unsafeGetAttrPos;

  file = dir + "/flake.nix";

  # Where an attribute stands, as messages show it.
  place = name: set:
    let pos = unsafeGetAttrPos name set;
    in if pos == null then file else "${pos.file}:${toString pos.line}:${toString pos.column}";

  kinds = {
    bool = "a Boolean"; float = "a float"; int = "an integer"; lambda = "a function"; list = "a list"; null = "null";
    path = "a path"; set = "a set"; string = "a string";
  };
  wants = { bool = isBool; lambda = isFunction; set = isAttrs; string = isString; };

  # The attribute `name` of `set`, which must be of type `kind`.
  expect = kind: name: set:
    if wants.${kind} set.${name} then set.${name}
    else __flakeFail "expected ${kinds.${kind}} but got ${kinds.${typeOf set.${name}}} at ${place name set}";

  # Names between slashes.
  names = text: filter (name: isString name && name != "") (split "/" text);

  # A path within the flake, as a reference that starts from its folder.
  relative = value:
    let
      text = toString value;
      start = toString dir + "/";
      length = stringLength start;
    in
    if text == toString dir then "path:."
    else if substring 0 length text == start then "path:${substring length (-1) text}"
    else __flakeFail "input attribute path '${text}' must be in the same source tree as ${toString dir}";

  input = set: name:
    let
      value = expect "set" name set;
      traced = attr: __addErrorContext "while evaluating flake attribute '${attr}'";
      url =
        let given = value.url;
        in if isString given then given
        else if isPath given then relative given
        else __flakeFail "expected a string or a path but got ${kinds.${typeOf given}} at ${place "url" value}";
      plain = removeAttrs value [ "url" "flake" "inputs" "follows" ];
      attrs = mapAttrs (attr: given: traced attr (
        if isString given || isBool given then given
        else if isInt given then
          if given < 0 then __flakeFail "negative value given for flake input attribute ${attr}: ${toString given}" else given
        else __flakeFail
          "flake input attribute '${attr}' is ${kinds.${typeOf given}} while a string, Boolean, or integer is expected"
      )) plain;
      isFlake = if value ? flake then traced "flake" (expect "bool" "flake" value) else true;
      follows = if value ? follows then traced "follows" (path ++ names (expect "string" "follows" value)) else null;
      ref =
        if value ? type then
          __addErrorContext "while evaluating flake input"
            (__flakeReference (attrs // (if value ? url then { url = traced "url" url; } else { })))
        else if plain != { } then
          __flakeFail "unexpected flake input attribute '${head (attrNames plain)}', at ${place name set}"
        else if value ? url then __flakeParse (traced "url" url) isFlake
        else null;
    in
    if ref != null && follows != null then
      __flakeFail "flake input has both a flake reference and a follows attribute, at ${place name set}"
    else {
      inherit ref follows;
      flake = isFlake;
      overrides = if value ? inputs then traced "inputs" (inputs false "inputs" value) else { };
    };

  # The inputs in the attribute `name` of `set`. Only the flake itself may speak of `self`.
  inputs = self: name: set:
    let value = expect "set" name set;
    in
    if value ? self && !self then __flakeFail "'self' input attribute not allowed at ${place "self" value}"
    else mapAttrs (id: _: input value id) (removeAttrs value [ "self" ]);

  flake =
    let value = import file;
    in if isAttrs value then value else __flakeFail "file '${file}' must be an attribute set";

  known = [ "description" "inputs" "outputs" "nixConfig" ];
  unknown = filter (name: !elem name known) (attrNames flake);

  outputs =
    if flake ? outputs then expect "lambda" "outputs" flake else __flakeFail "flake '${shown}' lacks attribute 'outputs'";

  # What the outputs ask for is an input, even if nothing else is said of it.
  asked = listToAttrs (map
    (id: {
      name = id;
      value = { ref = __flakeParse id true; flake = true; follows = null; overrides = { }; };
    })
    (filter (id: id != "self") (attrNames (functionArgs outputs))));

  checks = [
    (if flake ? description then expect "string" "description" flake else "")
    (if flake ? nixConfig then expect "set" "nixConfig" flake else { })
    outputs
    (if unknown == [ ] then null
    else
      let name = head unknown;
      in __flakeFail "flake '${shown}' has an unsupported attribute '${name}', at ${place name flake}")
  ];
in
foldl' (rest: check: builtins.seq check rest) {
  inputs = asked // (if flake ? inputs then inputs true "inputs" flake else { });
  self = if flake ? inputs && flake.inputs ? self then expect "set" "self" flake.inputs else { };
} checks
