# A part of a string is a string before the next one is evaluated.
"${{ __toString = _: builtins.trace "first" "a"; }}${builtins.trace "second" "b"}${builtins.length [ ]}${throw "never"}"
