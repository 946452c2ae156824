/* A builtin whose name is null with a length. */
#include "base.h"

static const struct piton_builtin builtins[] = { { .name = { NULL, 5 }, PROBE } };

static const struct piton_plugin plugin = { HEADER, REST("null_name") };

MANIFEST("null_name", "probe");
PITON_PLUGIN_ENTRY(null_name) { return &plugin; }
