/*
 * Loads; its builtins break the protocol when called, each in a way that the host must answer with an error.
 */
#include "base.h"

/* Waits, and has asked for nothing. */
static struct piton_value idle_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    return piton_value_of(PITON_TAG_PENDING, 0);
}

/* Says that it failed, and has recorded no error. */
static struct piton_value silent_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                       size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    return piton_value_of(PITON_TAG_ERROR, 0);
}

/* Answers a tag that does not exist. */
static struct piton_value tag_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    return piton_value_of(0x77, 1);
}

/* Answers a marker that is for answers of the host alone. */
static struct piton_value absent_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                       size_t count)
{
    (void)state, (void)vm, (void)args, (void)count;
    return piton_value_of(PITON_TAG_ABSENT, 0);
}

/* A leaf that waits. */
static struct piton_value leaf_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)count;
    return piton_force(vm, args[0]);
}

/* A request with more arguments than there are places. */
static struct piton_value many_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    struct piton_value pending = piton_force(vm, args[0]);
    (void)state, (void)count;
    vm->request.argc = 1000;
    return pending;
}

/* A call without arguments. */
static struct piton_value few_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    (void)state, (void)count;
    return piton_request(vm, PITON_REQUEST_CALL, 0, args, 1);
}

static struct piton_value any_resume(uint8_t *state, struct piton_vm *vm, struct piton_value response)
{
    (void)state, (void)vm;
    return response;
}

#define BREAKS(builtin_name, function)                                                                               \
    {                                                                                                                \
        .name = PITON_BYTES(builtin_name), .args = probe_args, .arity = 1, .frame_size = 8, .frame_align = 8,        \
        .start = function, .resume = any_resume                                                                      \
    }

static const struct piton_builtin builtins[] = {
    BREAKS("waitsForNothing", idle_start),
    BREAKS("failsSilently", silent_start),
    BREAKS("unknownTag", tag_start),
    BREAKS("answersAbsent", absent_start),
    {
        .name = PITON_BYTES("leafWaits"),
        .args = probe_args,
        .arity = 1,
        .flags = PITON_BUILTIN_LEAF,
        .frame_align = 1,
        .start = leaf_start,
    },
    BREAKS("tooManyArguments", many_start),
    BREAKS("tooFewArguments", few_start),
};

static const struct piton_plugin plugin = { HEADER, REST("misbehaves") };

PITON_MANIFEST("misbehaves", "1.0.0",
    {"name":"waitsForNothing","arity":1,"capabilities":0},
    {"name":"failsSilently","arity":1,"capabilities":0},
    {"name":"unknownTag","arity":1,"capabilities":0},
    {"name":"answersAbsent","arity":1,"capabilities":0},
    {"name":"leafWaits","arity":1,"capabilities":0},
    {"name":"tooManyArguments","arity":1,"capabilities":0},
    {"name":"tooFewArguments","arity":1,"capabilities":0});
PITON_PLUGIN_ENTRY(misbehaves)
{
    (void)probe_start;
    return &plugin;
}
