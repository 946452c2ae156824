/* Loads: constants, one a leaf and one that suspends; `constantStarts` counts how often either was begun. */
#include "base.h"

static int64_t starts;

static struct piton_value leaf_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    starts++;
    return piton_int(7);
}

static struct piton_value text_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    struct piton_value source = vm->host->make_string(vm, piton_text("[ 1 2 3 ]"), 0);
    (void)state, (void)args, (void)count;
    starts++;
    return piton_request(vm, PITON_REQUEST_EVAL_TEXT, 0, &source, 1);
}

static struct piton_value text_resume(uint8_t *state, struct piton_vm *vm, struct piton_value response)
{
    (void)state, (void)vm;
    return response;
}

static struct piton_value count_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    return piton_int(starts);
}

static const struct piton_builtin builtins[] = {
    { .name = PITON_BYTES("constantLeaf"), .flags = PITON_BUILTIN_LEAF, .frame_align = 1, .start = leaf_start },
    {
        .name = PITON_BYTES("constantList"),
        .frame_size = 8,
        .frame_align = 8,
        .start = text_start,
        .resume = text_resume,
    },
    {
        .name = PITON_BYTES("constantStarts"),
        .args = probe_args,
        .arity = 1,
        .flags = PITON_BUILTIN_LEAF,
        .frame_align = 1,
        .start = count_start,
    },
};

static const struct piton_plugin plugin = { HEADER, REST("constant") };

PITON_MANIFEST("constant", "1.0.0",
    {"name":"constantLeaf","arity":0,"capabilities":0},
    {"name":"constantList","arity":0,"capabilities":0},
    {"name":"constantStarts","arity":1,"capabilities":0});
PITON_PLUGIN_ENTRY(constant)
{
    (void)probe_start;
    return &plugin;
}
