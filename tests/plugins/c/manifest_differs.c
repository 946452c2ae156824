/* The manifest states no capability, the descriptor one. */
#include "base.h"

static const struct piton_builtin builtins[] = {
    { .name = PITON_BYTES("probe"), .capabilities = PITON_CAPABILITY_NET, PROBE },
};

static const struct piton_plugin plugin = { HEADER, REST("manifest_differs") };

MANIFEST("manifest_differs", "probe");
PITON_PLUGIN_ENTRY(manifest_differs) { return &plugin; }
