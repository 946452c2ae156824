let
  inner = builtins.addErrorContext "while doing the inner thing" (throw "inner");
in
builtins.addErrorContext "while doing the outer thing" inner
