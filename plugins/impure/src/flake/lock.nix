# The locks of a flake and of all that it needs, from its flake.lock as far as that is up to date; what is new is fetched.
#
# A node is
#   { locked, original, flake, parent, inputs, tree, dir }
# `locked` and `original` are attributes of references (null of the root); `inputs` maps names to { node } or { follows }, a list
# of names from the root; `tree` and `dir` are what was fetched and the folder in it, null where nothing had to be; `parent` is
# the list of names that leads to what a relative path starts from, else null.
{ readFlake, ref, pure }:
let
  inherit (builtins)
    attrNames concatLists concatMap concatStringsSep elem filter foldl' fromJSON genList hasAttr head isList isString length
    listToAttrs mapAttrs pathExists readFile removeAttrs split substring tail toJSON;

  fetch = attrs:
    __addErrorContext "while fetching the input '${__flakeShow (removeAttrs attrs [ "dir" ])}'"
      (__fetchInput (removeAttrs attrs [ "dir" ]) false);

  # A relative path without dots.
  normal = text:
    let
      step = done: part:
        if !isString part || part == "" || part == "." then done
        else if part == ".." then (if done == [ ] then [ ] else genList (builtins.elemAt done) (length done - 1))
        else done ++ [ part ];
    in
    concatStringsSep "/" (foldl' step [ ] (split "/" text));

  below = top: dir: if dir == "" then top else top + "/" + dir;

  isRelative = attrs: attrs != null && attrs.type == "path" && substring 0 1 attrs.path != "/";

  # --- flakes: { top, dir, tree, locked, inputs }, `top` being the whole tree and `dir` the folder in it.

  getFlake = path: ref:
    let
      dir = ref.dir or "";
      shown = __flakeShow ref;
      first = fetch ref;
      said = readFlake { dir = below first.tree.outPath dir; inherit shown path; };
      allowed = [ "submodules" "lfs" ];
      wrong = filter (name: !elem name allowed) (attrNames said.self);
      wanted = removeAttrs first.locked [ "narHash" ] // said.self;
      again = said.self != { } && wanted != removeAttrs first.locked [ "narHash" ];
      fetched = if again then fetch wanted else first;
    in
    if wrong != [ ] then __flakeFail "flake 'self' attribute '${head wrong}' is not supported"
    else {
      inherit dir shown;
      inherit (fetched) tree;
      top = fetched.tree.outPath;
      locked = fetched.locked // (if dir == "" then { } else { inherit dir; });
      inputs =
        if again then (readFlake { dir = below fetched.tree.outPath dir; inherit shown path; }).inputs else said.inputs;
    };

  # The flake at a path that starts from the folder of another.
  getRelative = path: from: ref:
    let
      dir = normal (from.dir + "/" + ref.path + "/" + (ref.dir or ""));
      shown = __flakeShow ref;
    in
    {
      inherit dir shown;
      inherit (from) top;
      tree = { outPath = from.top; };
      locked = ref;
      inherit (readFlake { dir = below from.top dir; inherit shown path; }) inputs;
    };

  # --- lock files: { nodes, root }

  readLock = flake:
    let
      file = below flake.top flake.dir + "/flake.lock";
      json = fromJSON (readFile file);
      version = json.version or 0;
    in
    if !pathExists file then { nodes.root = { }; root = "root"; }
    else if version < 5 || version > 7 then
      __flakeFail "lock file '${file}' has unsupported version ${builtins.toString version}"
    else { inherit (json) nodes root; };

  nodeOf = lock: key:
    lock.nodes.${key} or (__flakeFail "lock file references missing node '${key}'");

  # A node of a lock file, checked.
  oldNode = lock: key:
    let
      node = nodeOf lock key;
      member = name: node.${name} or (__flakeFail "attribute '${name}' missing in lock file");
      locked = __flakeReference (member "locked" // node.info or { });
    in
    if !__flakeIsLocked locked && !isRelative locked && !(locked ? narHash) then
      __flakeFail
        "Lock file contains unlocked input '${toJSON locked}'. Use '--allow-dirty-locks' to accept this lock file."
    else {
      inherit locked;
      original = __flakeReference (member "original");
      flake = node.flake or true;
      parent = node.parent or null;
      inputs = node.inputs or { };
    };

  # --- locking

  key = path: concatStringsSep "/" path;

  # What has been locked, with all below it: an error has to come while it is said what is being locked.
  complete = spec:
    if spec ? follows then spec
    else builtins.seq (builtins.deepSeq spec.node.locked (foldl' (rest: id: builtins.seq spec.node.inputs.${id} rest) null
      (attrNames spec.node.inputs))) spec;

  # The overrides in what a flake says of the inputs of its inputs, by path: lists of { name, value }.
  overridesIn = from: owner: prefix: inputs:
    concatMap
      (id:
        let
          path = prefix ++ [ id ];
          input = inputs.${id};
          own = { name = key path; value = { inherit input from owner; }; };
        in
        (if input.ref != null || input.follows != null then [ own ] else [ ])
        ++ overridesIn from owner path input.overrides)
      (attrNames inputs);

  # The locks of the inputs of one flake. `path` leads to it, `from` is the flake that relative paths start from, `lock` and
  # `old` are a lock file and the node in it that locks may be taken from (null: none), `followsPrefix` is what the lists in that
  # file start from, `overrides` are those of the flakes above, `trust` says that the lock file may be believed.
  locks = { inputs, path, from, lock, old, followsPrefix, overrides, parents, trust }:
    let
      # Those of the flakes above come first.
      all = listToAttrs
        (concatMap (id: overridesIn from path (path ++ [ id ]) inputs.${id}.overrides) (attrNames inputs))
      // overrides;
      here = filter (name: !(inputs ? ${name}))
        (map (name: substring (builtins.stringLength prefixText) (-1) name)
          (filter
            (name:
              let rest = substring (builtins.stringLength prefixText) (-1) name;
              in substring 0 (builtins.stringLength prefixText) name == prefixText && !(hasSlash rest))
            (attrNames all)));
      prefixText = if path == [ ] then "" else key path + "/";
      hasSlash = text: length (split "/" text) > 1;
      warned = foldl'
        (rest: name: __flakeWarn "input '${key path}' has an override for a non-existent input '${name}'" rest)
        null
        here;

      lockOf = id: said:
        let
          ownPath = path ++ [ id ];
          override = all.${key ownPath} or null;
          input = if override == null then said else override.input // { inherit (said) flake; };
          start = if override == null then from else override.from;
          ref = if input.ref == null then __flakeReference { type = "indirect"; inherit id; } else input.ref;
          relative = isRelative ref;
          parent = if !relative then null else if override == null then path else override.owner;

          oldKey = if old == null then null else old.inputs.${id} or null;
          oldLock = if isString oldKey then oldNode lock oldKey else null;
          isCurrent = oldLock != null
            && __flakeCanonical oldLock.original == __flakeCanonical ref
            && oldLock.parent == parent;

          flake = if relative then getRelative ownPath start ref else getFlake ownPath ref;

          # The lock file has it. Its own inputs are taken from there, too, unless one of them follows another that this flake
          # no longer says.
          kept =
            let
              isFollows = name: isList oldLock.inputs.${name};
              vanished = !trust && builtins.any
                (name: isFollows name && !(all ? ${key (ownPath ++ [ name ])}))
                (attrNames oldLock.inputs);
              fake = mapAttrs
                (name: spec:
                  if isList spec then { ref = null; flake = true; follows = followsPrefix ++ spec; overrides = { }; }
                  else
                    let node = oldNode lock spec;
                    in { ref = node.original; inherit (node) flake; follows = null; overrides = { }; })
                oldLock.inputs;
              again =
                if relative then getRelative ownPath start oldLock.locked else getFlake ownPath oldLock.locked;
              more = {
                path = ownPath;
                inherit lock followsPrefix parents;
                old = oldLock;
                overrides = all;
              };
            in
            {
              inherit (oldLock) locked original flake parent;
              tree = if vanished then again.tree else null;
              dir = if vanished then again.dir else null;
              inputs =
                if vanished then locks (more // { inherit (again) inputs; from = again; trust = false; })
                else locks (more // { inputs = fake; inherit from; trust = true; });
            };

          new =
            if elem ref parents then __flakeFail "found circular import of flake '${__flakeShow ref}'"
            else {
              inherit (flake) locked tree dir;
              original = ref;
              flake = true;
              inherit parent;
              inputs =
                let ownLock = readLock flake;
                in locks {
                  inherit (flake) inputs;
                  path = ownPath;
                  from = flake;
                  lock = ownLock;
                  old = { inputs = (nodeOf ownLock ownLock.root).inputs or { }; };
                  followsPrefix = ownPath;
                  overrides = all;
                  parents = parents ++ [ ref ];
                  trust = false;
                };
            };

          newTree =
            let
              fetched = fetch ref;
              dir = normal (start.dir + "/" + ref.path);
            in
            {
              original = ref;
              flake = false;
              inherit parent;
              inputs = { };
              locked = if relative then ref else fetched.locked // (if ref ? dir then { inherit (ref) dir; } else { });
              tree = if relative then { outPath = start.top; } else fetched.tree;
              dir = if relative then dir else ref.dir or "";
            };
        in
        __addErrorContext "while updating the flake input '${key ownPath}'" (complete (
          if input.follows != null then { inherit (input) follows; }
          else if isCurrent then { node = kept; }
          else if pure && !__flakeIsLocked ref && !relative then
            __flakeFail "cannot update unlocked flake input '${key ownPath}' in pure mode"
          else { node = if input.flake then new else newTree; }
        ));
    in
    builtins.seq warned (mapAttrs lockOf inputs);

  # --- what has changed, as text

  date = text: "${substring 0 4 text}-${substring 4 2 text}-${substring 6 2 text}";
  describe = spec:
    if isList spec then "follows '${key spec}'"
    else "'${__flakeShow spec}'" + (if spec ? lastModified then " (${date (__flakeDate spec.lastModified)})" else "");

  # Paths and what they are locked to: lists of { name, value }.
  listNew = path: inputs:
    concatMap
      (id:
        let
          ownPath = path ++ [ id ];
          spec = inputs.${id};
        in
        if spec ? follows then [ { name = key ownPath; value = spec.follows; } ]
        else [ { name = key ownPath; value = spec.node.locked; } ] ++ listNew ownPath spec.node.inputs)
      (attrNames inputs);
  listOld = lock: path: inputs:
    concatMap
      (id:
        let
          ownPath = path ++ [ id ];
          spec = inputs.${id};
          node = oldNode lock spec;
        in
        if isList spec then [ { name = key ownPath; value = spec; } ]
        else [ { name = key ownPath; value = node.locked; } ] ++ listOld lock ownPath node.inputs)
      (attrNames inputs);

  changes = old: new:
    let
      line = name:
        if !(old ? ${name}) then "• Added input '${name}':\n    ${describe new.${name}}\n"
        else if !(new ? ${name}) then "• Removed input '${name}'\n"
        else if describe old.${name} != describe new.${name} then
          "• Updated input '${name}':\n    ${describe old.${name}}\n  → ${describe new.${name}}\n"
        else "";
    in
    concatStringsSep "" (map line (attrNames (old // new)));

  # --- the whole

  flake = getFlake [ ] ref;
  lock = readLock flake;
  old = { inputs = (nodeOf lock lock.root).inputs or { }; };
  inputs = locks {
    inherit (flake) inputs;
    path = [ ];
    from = flake;
    inherit lock old;
    followsPrefix = [ ];
    overrides = { };
    parents = [ ];
    trust = false;
  };
  newList = listToAttrs (listNew [ ] inputs);
  oldList = listToAttrs (listOld lock [ ] old.inputs);
  diff = changes oldList newList;

  # An input that follows one that is not there.
  dangling = filter (name: isList newList.${name} && newList.${name} != [ ] && !reaches newList.${name}) (attrNames newList);
  reaches = path: step [ ] path;
  step = done: rest:
    if rest == [ ] then true
    else
      let
        name = key (done ++ [ (head rest) ]);
        spec = newList.${name};
      in
      if !(newList ? ${name}) then false
      else if isList spec then builtins.length spec <= 64 && step [ ] (spec ++ tail rest)
      else step (done ++ [ (head rest) ]) (tail rest);

  root = {
    locked = null;
    original = null;
    flake = true;
    parent = null;
    inherit inputs;
    inherit (flake) tree dir;
  };
in
__addErrorContext "while updating the lock file of flake '${__flakeShow flake.locked}'" (
  builtins.seq (complete { node = root // { locked = flake.locked; }; }) (
  if dangling != [ ] then
    let name = head dangling;
    in __flakeFail "input '${name}' follows a non-existent input '${key newList.${name}}'"
  else if diff != "" then
    __flakeWarn "not writing modified lock file of flake '${__flakeShow ref}':\n${diff}" root
  else root
  )
)
