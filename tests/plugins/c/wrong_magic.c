/* The descriptor does not begin with the magic word. */
#define THE_MAGIC UINT64_C(0x4942414e4f544951)
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("wrong_magic") };

MANIFEST("wrong_magic", "probe");
PITON_PLUGIN_ENTRY(wrong_magic) { return &plugin; }
