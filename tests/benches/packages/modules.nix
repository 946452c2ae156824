# A configuration of 400 modules (50 for each eighth of `scale`): each declares a service with options of several types, defines some of
# them for itself and one for its neighbour, and reads what another one has ended up with.
{ packages, scale ? 8, ... }:
let
  lib = import (packages + "/lib");
  inherit (lib) mkDefault mkForce mkIf mkMerge mkOption types;
  count = 50 * scale;
  name = i: "unit-${toString i}";
  service = i: { config, ... }:
    let
      own = config.units.${name i};
      next = if i + 1 == count then 0 else i + 1;
    in {
      options.units.${name i} = {
        enable = mkOption { type = types.bool; default = false; };
        command = mkOption { type = types.str; };
        port = mkOption { type = types.nullOr types.int; default = null; };
        after = mkOption { type = types.listOf types.str; default = [ ]; };
        environment = mkOption { type = types.attrsOf types.str; default = { }; };
        limits = mkOption {
          default = { };
          type = types.submodule {
            options.memory = mkOption { type = types.int; default = 64; };
            options.tasks = mkOption { type = types.enum [ "few" "many" ]; default = "few"; };
          };
        };
      };
      config = mkMerge [
        { units.${name i} = { enable = mkDefault true; command = mkDefault "run ${name i}"; environment.SELF = own.command; }; }
        { units.${name next} = { after = [ (name i) ]; environment.BEFORE = "${toString own.limits.memory}"; }; }
        (mkIf (own.enable && i / 3 * 3 == i) { units.${name i} = { port = 8000 + i; limits.memory = mkForce (i + 1); }; })
      ];
    };
in builtins.toJSON (lib.evalModules { modules = builtins.genList service count; }).config.units
