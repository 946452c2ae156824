/* Built for ABI 2, under an entry symbol of ABI 1. */
#define THE_MAJOR 2
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("wrong_major") };

MANIFEST("wrong_major", "probe");
PITON_PLUGIN_ENTRY(wrong_major) { return &plugin; }
