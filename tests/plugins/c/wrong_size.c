/* A descriptor of a builtin has another size than the host's of this version. */
#define THE_BUILTIN_SIZE (sizeof(struct piton_builtin) + 8)
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("wrong_size") };

MANIFEST("wrong_size", "probe");
PITON_PLUGIN_ENTRY(wrong_size) { return &plugin; }
