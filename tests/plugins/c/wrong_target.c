/* Says that it was built for another machine. */
#define THE_TARGET "sparc-solaris"
#include "base.h"

ONE_BUILTIN("probe");

static const struct piton_plugin plugin = { HEADER, REST("wrong_target") };

MANIFEST("wrong_target", "probe");
PITON_PLUGIN_ENTRY(wrong_target) { return &plugin; }
