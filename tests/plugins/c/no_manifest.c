/* All is right but that there is no manifest. */
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("no_manifest") };

PITON_PLUGIN_ENTRY(no_manifest) { return &plugin; }
