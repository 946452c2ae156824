# Members that refer to each other are made before names and overrides are found out, and get what they refer to afterwards. The function is all
# that is left of its set then. (The list is long, since short things are kept by what lies beside them.)
let
  name = step: builtins.concatStringsSep "-" [ "name" "of" (toString step) ];
  made = step: rec {
    first = second ++ [ "first ${toString step}, which is no short string" ];
    second = map (each: each + third) [ "one" "two" ];
    third = "third ${toString step}, which is no short string either";
    function = argument: if argument == 0 then first else function (argument - 1);
    ${name step} = third;
  };
  overridden = step: (rec {
    function = argument: other ++ [ argument ];
    other = [ "not this" ];
    __overrides = { other = builtins.genList (index: "${name index} of ${toString step}, no short string") 60; };
  }).function;
  kept = overridden 1;
  lengths = builtins.foldl' (sum: step: sum + builtins.length (kept step)) 0 (builtins.genList (step: step) 20);
  sets = builtins.genList made 3;
in
[ sets (map (set: set.function 2) sets) lengths (builtins.elemAt (kept 1) 59) ]
