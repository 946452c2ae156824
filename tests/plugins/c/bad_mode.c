/* An argument of a type that no value has. */
#include "base.h"

static const struct piton_arg args[] = {
    { .name = PITON_BYTES("x"), .mode = PITON_ARG_OF(PITON_TAG_INT) | PITON_ARG_OF(10) },
};

static const struct piton_builtin builtins[] = {
    {
        .name = PITON_BYTES("probe"),
        .args = args,
        .arity = 1,
        .flags = PITON_BUILTIN_LEAF,
        .frame_align = 1,
        .start = probe_start,
    },
};

static const struct piton_plugin plugin = { HEADER, REST("bad_mode") };

MANIFEST("bad_mode", "probe");
PITON_PLUGIN_ENTRY(bad_mode) { return &plugin; }
