let
  values = [ 1 1.5 "s" /p true null [ ] { } (x: x) ];
  predicates = with builtins; [ isInt isFloat isString isPath isBool isNull isList isAttrs isFunction ];
in
map (p: map p values) predicates
