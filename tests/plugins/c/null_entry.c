/* The entry function answers null. */
#include "base.h"

MANIFEST("null_entry", "probe");
PITON_PLUGIN_ENTRY(null_entry)
{
    (void)probe_start, (void)probe_args;
    return NULL;
}
