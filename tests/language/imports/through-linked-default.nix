# A folder is its default.nix as it is reached, a link or not; by its own name the link is followed. Each is evaluated once, whatever came first.
[
  (map (path: (import path).here) [ ./data/reached ./data/reached/default.nix ./data/reached.nix ./data/reached ])
  (import ./data/reached == import ./data/reached/default.nix)
]
