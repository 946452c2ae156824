[
  (builtins.fromJSON ''{"a": [1, 2.5, "x", null, true], "b": {"c": -1}}'')
  (builtins.toJSON { b = [ 1 2.5 "x\n" null true ]; a = { __toString = _: "s"; }; })
  (builtins.fromTOML ''
    a = 1
    [t]
    b = "x"
    c = [ 1, 2 ]
    d = 1.5
    e = true
  '')
  (builtins.toXML { a = 1; b = [ "x" ]; })
  (builtins.genericClosure {
    startSet = [ { key = 1; } ];
    operator = x: if x.key < 4 then [ { key = x.key + 1; } { key = x.key * 2; } ] else [ ];
  })
]
