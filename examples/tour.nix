# A small program that does what Nix programs do: it reads a list of packages, changes it with overlays, plans the order
# in which to build, and prints the plan. `piton eval --strict examples/tour.nix`
let
  inherit (builtins)
    attrNames compareVersions concatStringsSep elem elemAt filter foldl' fromJSON genericClosure hashString head length
    listToAttrs map mapAttrs match sort substring toJSON tryEval;

  # --- data: JSON as a tool might have written it
  manifest = fromJSON ''
    [ { "spec": "hello-2.12.1", "needs": ["libc", "gettext"], "size": 226 },
      { "spec": "gettext-0.22", "needs": ["libc", "iconv"], "size": 9412 },
      { "spec": "iconv-1.17", "needs": ["libc"], "size": 1803 },
      { "spec": "libc-2.39", "needs": [], "size": 31220 } ]
  '';

  # --- strings: a name and a version out of "name-1.2.3"
  parse = spec:
    let groups = match "([a-z+]+)-([0-9.]+)" spec;
    in
    if groups == null
    then throw "'${spec}' is not a package"
    else { name = head groups; version = elemAt groups 1; };

  # --- sets that refer to their own final form: a fixed point, and overlays that change it
  fix = f: let final = f final; in final;
  extend = overlay: base: final: let previous = base final; in previous // overlay final previous;

  packages = final: listToAttrs (map (entry:
    let parsed = parse entry.spec; in {
      inherit (parsed) name;
      value = parsed // {
        inherit (entry) size;
        needs = map (name: final.${name}) entry.needs;
        # Whoever is built on another version is another package.
        id = substring 0 8 (hashString "sha256" (toJSON ([ entry.spec ] ++ map (name: final.${name}.id) entry.needs)));
      };
    }) manifest);

  newerIconv = _: previous: {
    iconv = previous.iconv // rec { version = "1.18"; id = substring 0 8 (hashString "sha256" "iconv-${version}"); };
  };

  all = fix packages;
  changed = fix (extend newerIconv packages);

  # --- recursion: what comes first is built first
  plan = package:
    let
      visit = done: next: if elem next.name done then done else foldl' visit done next.needs ++ [ next.name ];
    in visit [ ] package;

  closure = package: map (item: item.package) (genericClosure {
    startSet = [ { key = package.name; inherit package; } ];
    operator = item: map (next: { key = next.name; package = next; }) item.package.needs;
  });

  # --- laziness: an endless list, of which only the beginning is looked at
  primes =
    let
      from = n: { head = n; tail = from (n + 1); };
      sieve = numbers: {
        inherit (numbers) head;
        tail = sieve (dropMultiples numbers.head numbers.tail);
      };
      dropMultiples = n: numbers:
        if numbers.head - numbers.head / n * n == 0
        then dropMultiples n numbers.tail
        else numbers // { tail = dropMultiples n numbers.tail; };
      take = n: numbers: if n == 0 then [ ] else [ numbers.head ] ++ take (n - 1) numbers.tail;
    in take 10 (sieve (from 2));
in
{
  order = concatStringsSep " -> " (plan all.hello);
  size = foldl' (sum: package: sum + package.size) 0 (closure all.hello);
  rebuilt = filter (name: all.${name}.id != changed.${name}.id) (attrNames all);
  newest = head (sort (a: b: compareVersions a b > 0) [ all.iconv.version changed.iconv.version "1.9" ]);
  broken = tryEval (parse "no version");
  json = toJSON (mapAttrs (_: package: { inherit (package) version; needs = length package.needs; }) all);
  inherit primes;
}
