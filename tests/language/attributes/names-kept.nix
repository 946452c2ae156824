# Shapes remember their names without positions; what they remember outlives the sets that asked for it. (It is long, since short things are
# kept by what lies beside them.)
let
  set = { name0 = 0; name1 = 1; name2 = 2; name3 = 3; name4 = 4; name5 = 5; name6 = 6; name7 = 7; name8 = 8; name9 = 9; name10 = 10; name11 = 11; name12 = 12; name13 = 13; name14 = 14; name15 = 15; name16 = 16; name17 = 17; name18 = 18; name19 = 19; name20 = 20; name21 = 21; name22 = 22; name23 = 23; name24 = 24; name25 = 25; name26 = 26; name27 = 27; name28 = 28; name29 = 29; name30 = 30; name31 = 31; name32 = 32; name33 = 33; name34 = 34; name35 = 35; name36 = 36; name37 = 37; name38 = 38; name39 = 39; name40 = 40; name41 = 41; name42 = 42; name43 = 43; name44 = 44; name45 = 45; name46 = 46; name47 = 47; name48 = 48; name49 = 49; name50 = 50; name51 = 51; name52 = 52; name53 = 53; name54 = 54; name55 = 55; name56 = 56; name57 = 57; name58 = 58; name59 = 59; };
  mapped = step: builtins.mapAttrs (name: value: "${toString step} ${name}") set;
  again = builtins.foldl' (sum: step: sum + builtins.stringLength (mapped step).name0 + builtins.length (builtins.attrNames (mapped step))) 0 (builtins.genList (step: step) 20);
in
{
  inherit again;
  last = builtins.concatStringsSep " " (builtins.attrNames (mapped 0));
  member = (mapped 7).name59;
}
