# Names are sorted by their bytes, also where many begin alike, and the first of several with one name counts.
let
  names = [
    "abcdefgh" "abcdefgh1" "abcdefg" "abcdefgh0" "" "a" "ab" "abcdefgi" "b" "é" "z" "ü" "日本" "日" "A" "_" "abcdefghabcdefgh" "abcdefghabcdefgg"
    "a b" "a-b" "a\tb" "1" "10" "9"
  ];
  pairs = offset: builtins.genList (index: { name = builtins.elemAt names index; value = offset + index; }) (builtins.length names);
  many = builtins.listToAttrs (builtins.genList (index: { name = "n${toString (index - index / 700 * 700)}"; value = index; }) 1000);
in
{
  order = builtins.attrNames (builtins.listToAttrs (pairs 0 ++ pairs 100));
  values = builtins.attrValues (builtins.listToAttrs (pairs 0 ++ pairs 100));
  some = builtins.genList (at: builtins.elemAt (builtins.attrNames many) (at * 97)) 7;
  first = [ many.n0 many.n299 many.n300 many.n699 (builtins.length (builtins.attrNames many)) ];
}
