/* Built for a minor version that the host does not know. */
#define THE_MINOR 99
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("newer_minor") };

MANIFEST("newer_minor", "probe");
PITON_PLUGIN_ENTRY(newer_minor) { return &plugin; }
