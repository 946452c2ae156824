/* Loads: the others depart from this. */
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("valid") };

MANIFEST("valid", "probe");
PITON_PLUGIN_ENTRY(valid) { return &plugin; }
