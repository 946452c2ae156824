/* Defines `map`, which the pure set has: refused unless --plugin-override allows it. */
#include "base.h"

ONE_BUILTIN("map");

static const struct piton_plugin plugin = { HEADER, REST("duplicate") };

MANIFEST("duplicate", "map");
PITON_PLUGIN_ENTRY(duplicate) { return &plugin; }
