# `import <nix/fetchurl.nix>`: a derivation that Nix builds without a builder of anybody's, by fetching a file. Package sets
# start from it, as nothing has been built before that could fetch. Its attributes decide on the hash, so none may change.
{
  url,
  name ? baseNameOf (toString url),
  executable ? false,
  unpack ? false,
  impure ? false,
  # Of no effect.
  system ? "",

  # The hash: in the notation of the web, or by the name of its algorithm.
  hash ? "",
  sha512 ? "",
  sha1 ? "",
  md5 ? "",
  sha256 ? "",

  # The same, as the derivation takes them.
  outputHash ? (builtins.head (
    builtins.filter (candidate: candidate != "") [ hash sha512 sha1 md5 ] ++ [ sha256 ]
  )),
  outputHashAlgo ?
    if hash != "" then "" else if sha512 != "" then "sha512" else if sha1 != "" then "sha1" else if md5 != "" then "md5" else "sha256",
}:

derivation (
  {
    inherit name url executable unpack;
    urls = [ url ];
    builder = "builtin:fetchurl";
    system = "builtin";
    outputHashMode = if executable || unpack then "recursive" else "flat";
    preferLocalBuild = true;
    impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
  }
  // (if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; })
)
