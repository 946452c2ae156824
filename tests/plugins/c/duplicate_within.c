/* Defines one name twice. */
#include "base.h"

static const struct piton_builtin builtins[] = {
    { .name = PITON_BYTES("probe"), PROBE },
    { .name = PITON_BYTES("probe"), PROBE },
};

static const struct piton_plugin plugin = { HEADER, REST("duplicate_within") };

PITON_MANIFEST("duplicate_within", "1.0.0",
    {"name":"probe","arity":1,"capabilities":0}, {"name":"probe","arity":1,"capabilities":0});
PITON_PLUGIN_ENTRY(duplicate_within) { return &plugin; }
