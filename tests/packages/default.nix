# A package set that nobody needs: one derivation or more of each kind, so that every path that an evaluation can compute is
# computed here. `nix-instantiate` of Nix 2.8 and later evaluates it.
let
  inherit (builtins)
    concatStringsSep filterSource foldl' genList hashString listToAttrs map path toFile toJSON toString
    unsafeDiscardOutputDependency unsafeDiscardStringContext;

  make = name: attrs: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
  } // attrs);

  named = prefix: build: count: listToAttrs (genList (index: rec {
    name = "${prefix}${toString index}";
    value = build name index;
  }) count);

  base = make "base" { };
  tools = make "tools" { outputs = [ "out" "dev" "doc" ]; inherit base; };
  sha256 = hashString "sha256" "contents";

  plain = {
    inherit base tools;
    args = make "args" { args = [ "-c" "echo \"$out\" \\ > $out" 1 null true false [ "a" "b" ] base ]; };
    coerced = make "coerced" { i = 1; n = null; t = true; f = false; fl = 1.5; l = [ 1 [ 2 "x" ] ./source/text ]; };
    escapes = make "escapes" { text = "quote \" slash \\ tab \t line \n return \r dollar $ \${x} end"; };
    bytes = make "bytes" { text = "käse ✓"; "odd name" = "x"; "a.b" = "y"; };
    empty = make "empty" { text = ""; args = [ ]; };
    nulls = make "nulls" { __ignoreNulls = true; gone = null; stays = "x"; };
    nullsStay = make "nulls-stay" { __ignoreNulls = false; gone = null; };
    name = make "with+all-_?=.chars" { };
    dotted = make "1.0-2.3" { };
    long = make (concatStringsSep "" (genList (_: "n") 207)) { };
    placeholder = make "placeholder" { outputs = [ "out" "lib" ]; own = placeholder "out"; other = placeholder "lib"; };
    functor = make "functor" { value = { __toString = self: "text of ${self.x}"; x = "it"; }; path = { outPath = base; }; };
    system = make "system" { system = "any thing"; };
    passthru = make "passthru" { passAsFile = [ "text" ]; text = "x"; preferLocalBuild = true; };
    checks = make "checks" {
      allowedReferences = [ "out" base ];
      disallowedReferences = [ tools ];
      allowedRequisites = [ ];
      disallowedRequisites = [ base.drvPath ];
      exportReferencesGraph = [ "graph" base ];
      impureEnvVars = [ "HOME" ];
      __noChroot = true;
    };
  };

  outputs = {
    one = make "one" { outputs = [ "dev" ]; };
    many = make "many" { outputs = genList (index: "o${toString index}") 12; };
    order = make "order" { outputs = [ "z" "out" "a" ]; };
    user = make "user" { inherit (tools) dev doc; main = tools; all = tools.all; };
    sameTwice = make "same-twice" { a = tools.dev; b = "${tools.dev}/bin:${tools}/lib"; };
    selected = tools.dev;
  };

  fixed = {
    flat = make "flat" { outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = sha256; };
    recursive = make "recursive" { outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = sha256; };
    noMode = make "no-mode" { outputHashAlgo = "sha256"; outputHash = sha256; };
    sha1 = make "sha1" { outputHashAlgo = "sha1"; outputHash = hashString "sha1" "x"; };
    md5 = make "md5" { outputHashMode = "recursive"; outputHashAlgo = "md5"; outputHash = hashString "md5" "x"; };
    sha512 = make "sha512" { outputHashAlgo = "sha512"; outputHash = hashString "sha512" "x"; };
    sri = make "sri" { outputHash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="; };
    sriEmptyAlgo = make "sri-empty" { outputHash = "sha1-Xw8zMBe9Kx5FDbSyCjXqDNrLx6E="; outputHashAlgo = null; };
    base32 = make "base32" { outputHashAlgo = "sha256"; outputHash = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; };
    prefixed = make "prefixed" { outputHashAlgo = "sha256"; outputHash = "sha256:${sha256}"; };
    # Fetched otherwise, the same: what needs it does not change, but its derivation does.
    mirrorA = make "user-of-fixed" { source = make "src" { url = "a"; outputHashAlgo = "sha256"; outputHash = sha256; }; };
    mirrorB = make "user-of-fixed" { source = make "src" { url = "b"; outputHashAlgo = "sha256"; outputHash = sha256; }; };
    # Two inputs that count as one.
    both = make "both" {
      a = make "src" { url = "a"; outputHashAlgo = "sha256"; outputHash = sha256; };
      b = make "src" { url = "b"; outputHashAlgo = "sha256"; outputHash = sha256; };
    };
    fetchurl = import <nix/fetchurl.nix> { url = "http://localhost/a.tar"; inherit sha256; };
    unpacked = import <nix/fetchurl.nix> { url = "http://localhost/b.tar"; inherit sha256; unpack = true; };
  };

  structured = {
    simple = make "structured" { __structuredAttrs = true; list = [ 1 2.5 "x" ]; set = { b = null; a = true; }; };
    outputs = make "structured-outputs" { __structuredAttrs = true; outputs = [ "out" "lib" ]; inherit base; };
    fixed = make "structured-fixed" { __structuredAttrs = true; outputHashAlgo = "sha256"; outputHash = sha256; outputHashMode = "flat"; };
    nested = make "structured-nested" {
      __structuredAttrs = true;
      exportReferencesGraph.graph = [ base tools.dev ];
      deep.er.est = [ { drv = tools; } ./source/text ];
      text = "quote \" and \\ and \n and é";
    };
    nulls = make "structured-nulls" { __structuredAttrs = true; __ignoreNulls = true; gone = null; stays = { inner = null; }; };
    args = make "structured-args" { __structuredAttrs = true; args = [ "-c" base ]; };
    json = make "json" { __json = toJSON { b = 1; a = [ { } ]; }; };
  };

  files = {
    toFile = make "to-file" { file = toFile "script" "echo hello"; };
    toFileOfFile = make "to-file-of-file" { file = toFile "outer" "see ${toFile "inner" "x"} and ${./source/text}"; };
    tree = make "tree" { src = ./source; };
    file = make "file" { src = ./source/text; builder = ./source/run.sh; };
    coerced = make "coerced-path" { src = "${./source}/sub/deep"; other = toString ./source == toString ./source; };
    filtered = make "filtered" { src = filterSource (path: type: type != "symlink" && baseNameOf path != "run.sh") ./source; };
    filteredAway = make "filtered-away" { src = filterSource (path: type: false) ./source; };
    renamed = make "renamed" { src = path { path = ./source; name = "renamed-source"; }; };
    pathFiltered = make "path-filtered" { src = path { path = ./source; filter = path: type: type == "directory"; name = "folders"; }; };
    flat = make "flat-path" { src = path { path = ./source/run.sh; recursive = false; }; };
    nested = make "nested-path" { src = path { path = "${path { path = ./source; name = "outer"; }}/sub"; name = "inner"; }; };
  };

  contexts = {
    derivation = make "derivation" { drv = base.drvPath; };
    derivationOfDerivation = make "closure" { drv = (make "middle" { inherit tools; src = ./source/text; }).drvPath; };
    discarded = make "discarded" { drv = unsafeDiscardStringContext base.drvPath; out = unsafeDiscardStringContext base.outPath; };
    outputDiscarded = make "output-discarded" { drv = unsafeDiscardOutputDependency base.drvPath; };
    appended = make "appended" {
      text = builtins.appendContext "text" { ${unsafeDiscardStringContext tools.drvPath} = { outputs = [ "doc" ]; }; };
    };
    substring = make "substring" { text = builtins.substring 0 5 "${base}"; nothing = builtins.substring 0 0 "${tools}"; };
    replaced = make "replaced" { text = builtins.replaceStrings [ "x" ] [ "${base}" ] "axa"; };
    joined = make "joined" { text = concatStringsSep ":" [ "${base}" "${tools.dev}" ./source/text ]; };
    json = make "in-json" { text = toJSON { inherit base; file = ./source/text; }; };
    attribute = make "attribute" { ${builtins.baseNameOf (unsafeDiscardStringContext "${base}")} = "x"; };
  };

  # Chains and diamonds.
  chain = foldl' (last: index: make "chain-${toString index}" { inherit last; }) base (genList (index: index) 40);
  diamond = foldl' (last: index: make "diamond-${toString index}" {
    left = make "left" { inherit last; };
    right = make "right" { inherit last index; };
  }) base (genList (index: index) 8);
  wide = named "wide" (name: index: make name { inherit index; }) 12;
in
{
  inherit plain outputs fixed structured files contexts wide;
  deep = { inherit chain diamond; all = make "all" { inputs = map (name: wide.${name}) (builtins.attrNames wide); }; };
}
