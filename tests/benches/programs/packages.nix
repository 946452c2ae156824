# A package set in small: functions that are called with what they ask for, from a set that refers to itself and has layers over it,
# defaults that most packages leave as they are, overrides, and derivations that need each other.
{ scale ? 1 }:
let
  inherit (builtins)
    attrNames concatLists concatMap concatStringsSep elem elemAt filter foldl' functionArgs genList hashString intersectAttrs isAttrs
    isList isString length listToAttrs map mapAttrs match removeAttrs replaceStrings stringLength substring unsafeDiscardStringContext;
  count = 120 * scale;

  lib = rec {
    fix = f: let x = f x; in x;
    extends = overlay: f: self: let super = f self; in super // overlay self super;
    when = condition: value: if condition then value else { };
    listWhen = condition: list: if condition then list else [ ];
    oneWhen = condition: value: if condition then [ value ] else [ ];
    textWhen = condition: text: if condition then text else "";
    filterAttrs = keep: set:
      listToAttrs (concatMap (name: let value = set.${name}; in if keep name value then [ { inherit name value; } ] else [ ]) (attrNames set));
    flatten = x: if isList x then concatMap flatten x else [ x ];
    unique = foldl' (known: item: if elem item known then known else known ++ [ item ]) [ ];
    deepMerge = a: b: a // mapAttrs (name: value: if isAttrs value && isAttrs (a.${name} or null) then deepMerge a.${name} value else value) b;
    output = name: package: if package ? outputs && elem name package.outputs then package.${name} else package.out or package;
    overridable = f: arguments:
      let
        result = f arguments;
        again = changes: overridable f (arguments // (if isAttrs changes then changes else changes arguments));
      in if isAttrs result then result // { override = again; overrideAttrs = change: overridable (x: (f x).overrideAttrs change) arguments; } else result;
    callWith = scope: f: arguments: overridable f (intersectAttrs (functionArgs f) scope // arguments);
  };

  platform = rec {
    system = "x86_64-linux";
    parsed = match "([^-]+)-(.+)" system;
    cpu = elemAt parsed 0;
    isLinux = elemAt parsed 1 == "linux";
    isDarwin = elemAt parsed 1 == "darwin";
    tools.shell = "/bin/sh";
  };

  make =
    { pname, version, src ? null, patches ? [ ], buildInputs ? [ ], nativeBuildInputs ? [ ], propagatedInputs ? [ ], flags ? [ ]
    , outputs ? [ "out" ], checks ? false, strict ? false, hooks ? [ ], environment ? { }, passthru ? { }, meta ? { }, phases ? null
    , parallel ? true, separateDebug ? false, hardening ? [ "all" ], ... }@attributes:
    let
      wanted = hooks ++ lib.oneWhen separateDebug "debug" ++ lib.listWhen (elem "all" hardening) [ "stack" "format" "fortify" ];
      unknown = filter (name: !(elem name [ "stack" "format" "fortify" "pic" "all" ])) hardening;
      inputs = map (package: lib.output "dev" package) (filter (x: x != null) (lib.flatten [ buildInputs propagatedInputs ]));
      own = removeAttrs attributes [ "meta" "passthru" "checks" "hooks" "environment" "hardening" "separateDebug" "pname" "version" "patches" "flags" ];
      fields = own // {
        name = "${pname}-${version}" + lib.textWhen (!platform.isLinux) "-${platform.cpu}";
        system = platform.system;
        builder = platform.tools.shell;
        args = [ "-e" (builtins.toFile "build.sh" "source $stdenv/setup; genericBuild") ];
        inherit outputs strict parallel;
        buildInputs = inputs;
        nativeBuildInputs = nativeBuildInputs ++ lib.listWhen checks [ ];
        propagatedInputs = map (lib.output "dev") propagatedInputs;
        configureFlags = concatStringsSep " " ([ "--prefix=${placeholder "out"}" ] ++ flags ++ lib.oneWhen platform.isDarwin "--darwin");
        patches = patches;
        hooks = wanted;
        doCheck = checks;
      } // lib.when (src != null) { inherit src; } // lib.when (phases != null) { inherit phases; }
        // mapAttrs (name: value: if isString value then value else toString value) environment;
      package = if unknown != [ ] then throw "unknown hardening: ${toString unknown}" else derivation (lib.filterAttrs (name: value: value != null) fields);
    in package // {
      overrideAttrs = change: make (attributes // change attributes);
      meta = lib.deepMerge { available = platform.isLinux; outputs = outputs; license.free = true; } meta;
      passthru = passthru // { tests = { }; };
    } // passthru;

  name = index: "package${toString index}";
  at = index: if index < 0 then 0 else index;

  # Packages of several kinds: each asks for some of those before it.
  definition = index:
    let
      near = name (at (index - 1));
      far = name (at (index / 2));
      pick = index - index / 5 * 5;
      version = "${toString (index / 7)}.${toString pick}";
      leaf = { stdenv, fetch }: stdenv.make {
        pname = name index;
        inherit version;
        src = fetch { url = "https://example.org/${name index}-${version}.tar.gz"; hash = hashString "sha256" (name index); };
      };
      library = { stdenv, lib, fetch, packages, shared ? true, docs ? false }: stdenv.make {
        pname = name index;
        inherit version;
        src = fetch { url = "https://example.org/lib/${replaceStrings [ "package" ] [ "lib" ] (name index)}.tar.xz"; hash = hashString "sha256" version; };
        outputs = [ "out" "dev" ] ++ lib.oneWhen docs "doc";
        buildInputs = [ packages.${near} (if docs then packages.${far} else null) ];
        flags = [ "--with-far=${packages.${far}}" ] ++ lib.oneWhen shared "--enable-shared";
        environment = { LEVEL = index; KIND = "library"; };
        meta = { description = "Library number ${toString index}"; license.name = "mit"; };
      };
      program = { stdenv, lib, fetch, packages, gui ? false }@arguments: stdenv.make {
        pname = name index;
        inherit version;
        src = fetch { url = "https://example.org/app/${name index}"; hash = hashString "sha256" far; };
        nativeBuildInputs = [ packages.${far} ];
        propagatedInputs = lib.listWhen (index > 3) [ packages.${near} ];
        hardening = lib.oneWhen (!gui) "pic";
        checks = true;
        passthru = { interactive = arguments.gui or false; };
        phases = "unpack build ${lib.textWhen gui "wrap "}install";
        postInstall = ''
          mkdir -p $out/bin
          for file in ${packages.${far}}/share/*; do
            ln -s "$file" $out/share/
          done
          ${lib.textWhen (pick == 3) "echo ${version} > $out/version"}
        '';
      };
    in if index == 0 || pick == 0 then leaf else if pick < 3 then library else program;

  base = self: {
    inherit lib;
    stdenv.make = make;
    packages = self;
    fetch = { url, hash }: derivation {
      name = substring 20 (stringLength url) (replaceStrings [ "/" ":" ] [ "-" "-" ] url);
      system = "builtin";
      builder = "builtin:fetchurl";
      outputHash = hash;
      outputHashAlgo = "sha256";
      outputHashMode = "flat";
      inherit url;
    };
  } // listToAttrs (genList (index: { name = name index; value = lib.callWith self (definition index) { }; }) count);

  overlays = [
    (self: super: { package2 = super.package2.override { docs = true; }; })
    (self: super: { package3 = super.package3.overrideAttrs (old: { version = old.version + "-patched"; }); })
    (self: super: { tools = { inherit (self) package1 package2; }; })
  ];
  set = lib.fix (foldl' (f: overlay: lib.extends overlay f) base overlays);
  all = genList (index: set.${name index}) count;
  described = map (package: "${package.meta.license.name or "free"} ${toString package.meta.available}") all;
in hashString "sha256" (concatStringsSep "\n" (map (package: unsafeDiscardStringContext package.drvPath) all ++ lib.unique described ++ concatLists [ [ (toString (length all)) ] ]))
