builtins.fetchurl { url = "http://localhost/a"; sha256 = "blake3-ZDezrDhGUTP/tjt1JzqNtUjFWEZdedsD/TWcbNW9nYU="; }
