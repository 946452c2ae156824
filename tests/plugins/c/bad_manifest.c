/* The manifest is not JSON. */
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("bad_manifest") };

PITON_MANIFEST_TEXT("{\"piton-plugin\":1,");
PITON_PLUGIN_ENTRY(bad_manifest) { return &plugin; }
