/* Exports no entry symbol under the name that its manifest states. */
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("no_entry") };

MANIFEST("no_entry", "probe");
PITON_PLUGIN_ENTRY(other_name) { return &plugin; }
