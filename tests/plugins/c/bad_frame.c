/* A frame that is larger than the host reserves; with -DALIGN, one that is aligned more strictly. */
#include "base.h"

#ifdef ALIGN
#define FRAME .frame_size = 64, .frame_align = 64
#else
#define FRAME .frame_size = PITON_MAX_FRAME_SIZE + 16, .frame_align = 16
#endif

static struct piton_value probe_resume(uint8_t *state, struct piton_vm *vm, struct piton_value response)
{
    (void)state, (void)vm;
    return response;
}

static const struct piton_builtin builtins[] = {
    {
        .name = PITON_BYTES("probe"),
        .args = probe_args,
        .arity = 1,
        FRAME,
        .start = probe_start,
        .resume = probe_resume,
    },
};

static const struct piton_plugin plugin = { HEADER, REST("bad_frame") };

MANIFEST("bad_frame", "probe");
PITON_PLUGIN_ENTRY(bad_frame) { return &plugin; }
