/* No leaf, and yet no function to resume it. */
#include "base.h"

static const struct piton_builtin builtins[] = {
    {
        .name = PITON_BYTES("probe"),
        .args = probe_args,
        .arity = 1,
        .frame_size = 8,
        .frame_align = 8,
        .start = probe_start,
    },
};

static const struct piton_plugin plugin = { HEADER, REST("no_resume") };

MANIFEST("no_resume", "probe");
PITON_PLUGIN_ENTRY(no_resume) { return &plugin; }
