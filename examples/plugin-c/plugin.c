/*
 * A plugin in plain C: one builtin that returns at once, one that suspends to call a Nix function for each element of
 * a list, and one that keeps a value of its own from one suspension to the next.
 */
#include <piton_plugin.h>

/* ---- popcount n: a leaf ---------------------------------------------------------------------------------------- */

static struct piton_value popcount_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                         size_t count)
{
    /* The host has forced the argument and checked that it is an integer, as popcount_args asks. */
    uint64_t bits = (uint64_t)piton_as_int(args[0]);
    int64_t ones = 0;
    (void)state, (void)vm, (void)count;
    for (; bits != 0; bits &= bits - 1)
        ones++;
    return piton_int(ones);
}

/* ---- sumWith f list: suspends once for each element ------------------------------------------------------------ */

/*
 * What C keeps between suspensions. The arguments need no root: the host keeps them alive as long as the frame. The
 * sum is an integer and needs none either.
 */
struct sum_frame {
    struct piton_value f;
    struct piton_value list;
    size_t next;
    size_t len;
    int64_t sum;
};

static struct piton_value sum_step(struct sum_frame *frame, struct piton_vm *vm)
{
    struct piton_value element;
    if (frame->next == frame->len)
        return piton_int(frame->sum);
    /* The element is borrowed: good until this poll ends, and the host takes it over with the request. */
    vm->host->list_read(vm, &frame->list, frame->next, 1, &element);
    frame->next++;
    return piton_call1(vm, frame->f, element);
}

static struct piton_value sum_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
{
    struct sum_frame *frame = (struct sum_frame *)(void *)state;
    (void)count;
    frame->f = args[0];
    frame->list = args[1];
    frame->next = 0;
    frame->len = vm->host->list_len(vm, &args[1]);
    frame->sum = 0;
    return sum_step(frame, vm);
}

static struct piton_value sum_resume(uint8_t *state, struct piton_vm *vm, struct piton_value response)
{
    struct sum_frame *frame = (struct sum_frame *)(void *)state;
    int64_t addend;
    if (piton_tag(response) != PITON_TAG_INT)
        return vm->host->type_error(vm, PITON_ARG_OF(PITON_TAG_INT), &response);
    addend = piton_as_int(response);
    if (addend > 0 ? frame->sum > INT64_MAX - addend : frame->sum < INT64_MIN - addend)
        return piton_error(vm, PITON_ERROR_EVAL, "sumWith: integer overflow");
    frame->sum += addend;
    return sum_step(frame, vm);
}

/* ---- iterate f n x: keeps a value of the host across suspensions ----------------------------------------------- */

struct iterate_frame {
    struct piton_value f;
    struct piton_value current; /* rooted: it is no argument, so nobody else keeps it alive */
    int64_t left;
};

static struct piton_value iterate_step(struct iterate_frame *frame, struct piton_vm *vm)
{
    if (frame->left <= 0)
        return piton_unroot(frame->current);
    frame->left--;
    return piton_call1(vm, frame->f, frame->current);
}

static struct piton_value iterate_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                        size_t count)
{
    struct iterate_frame *frame = (struct iterate_frame *)(void *)state;
    (void)count;
    frame->f = args[0];
    frame->left = piton_as_int(args[1]);
    frame->current = piton_root(vm, args[2]);
    return iterate_step(frame, vm);
}

static struct piton_value iterate_resume(uint8_t *state, struct piton_vm *vm, struct piton_value response)
{
    struct iterate_frame *frame = (struct iterate_frame *)(void *)state;
    piton_unroot(frame->current);
    frame->current = piton_root(vm, response);
    return iterate_step(frame, vm);
}

/* A call of f failed. The host would release the root with the frame anyway; this is the place for malloc'ed memory. */
static void iterate_drop(uint8_t *state, struct piton_vm *vm)
{
    struct iterate_frame *frame = (struct iterate_frame *)(void *)state;
    (void)vm;
    piton_unroot(frame->current);
}

/* ---- descriptors ----------------------------------------------------------------------------------------------- */

static const struct piton_arg popcount_args[] = {
    { .name = PITON_BYTES("n"), .mode = PITON_ARG_OF(PITON_TAG_INT) },
};

static const struct piton_arg sum_args[] = {
    { .name = PITON_BYTES("f"), .mode = PITON_ARG_ANY }, /* any: a set with __functor can be called too */
    { .name = PITON_BYTES("list"), .mode = PITON_ARG_OF(PITON_TAG_LIST) },
};

static const struct piton_arg iterate_args[] = {
    { .name = PITON_BYTES("f"), .mode = PITON_ARG_ANY },
    { .name = PITON_BYTES("n"), .mode = PITON_ARG_OF(PITON_TAG_INT) },
    { .name = PITON_BYTES("x"), .mode = PITON_ARG_LAZY },
};

static const struct piton_builtin builtins[] = {
    {
        .name = PITON_BYTES("popcount"),
        .doc = PITON_BYTES("How many bits of the integer are one.\n"),
        .example = PITON_BYTES("builtins.popcount 255"),
        .example_result = PITON_BYTES("8"),
        .since = PITON_BYTES("0.1.0"),
        .args = popcount_args,
        .arity = 1,
        .flags = PITON_BUILTIN_LEAF,
        .frame_align = 1,
        .start = popcount_start,
    },
    {
        .name = PITON_BYTES("sumWith"),
        .doc = PITON_BYTES("The sum of `f element` over a list; each must be an integer.\n"),
        .example = PITON_BYTES("builtins.sumWith (x: x * x) [ 1 2 3 ]"),
        .example_result = PITON_BYTES("14"),
        .since = PITON_BYTES("0.1.0"),
        .args = sum_args,
        .arity = 2,
        .frame_size = sizeof(struct sum_frame),
        .frame_align = 8,
        .start = sum_start,
        .resume = sum_resume,
    },
    {
        .name = PITON_BYTES("iterate"),
        .doc = PITON_BYTES("Applies `f` to `x`, `n` times over.\n"),
        .example = PITON_BYTES("builtins.iterate (s: s + \"!\") 3 \"hey\""),
        .example_result = PITON_BYTES("\"hey!!!\""),
        .since = PITON_BYTES("0.1.0"),
        .args = iterate_args,
        .arity = 3,
        .frame_size = sizeof(struct iterate_frame),
        .frame_align = 8,
        .start = iterate_start,
        .resume = iterate_resume,
        .drop = iterate_drop,
    },
};

static const struct piton_plugin plugin = {
    PITON_PLUGIN_HEADER,
    .name = PITON_BYTES("example_c"),
    .version = PITON_BYTES("0.1.0"),
    .builtins = builtins,
    .builtin_count = sizeof builtins / sizeof builtins[0],
};

PITON_MANIFEST("example_c", "0.1.0",
    {"name":"popcount","arity":1,"capabilities":0},
    {"name":"sumWith","arity":2,"capabilities":0},
    {"name":"iterate","arity":3,"capabilities":0});

PITON_PLUGIN_ENTRY(example_c)
{
    return &plugin;
}
