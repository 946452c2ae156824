/*
 * What the plugins here have in common: a leaf `probe` that answers its argument, and the rest of a plugin around it.
 * Each file departs from that in one thing, for which the host must refuse it (or, where it says so, must not).
 *
 * Built as lib<NAME>.so with: cc -std=c99 -Wall -Wextra -Werror -shared -fPIC -I plugin-api/include
 * With -DHONEST the manifest states the departure too, so that the host finds it before it runs any code.
 */
#include <piton_plugin.h>

static inline struct piton_value probe_start(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                             size_t count)
{
    (void)state, (void)vm, (void)count;
    return args[0];
}

static const struct piton_arg probe_args[] = {
    { .name = PITON_BYTES("x"), .mode = PITON_ARG_ANY },
};

/* The fields of a leaf `probe` but for its name. */
#define PROBE                                                                                                        \
    .doc = PITON_BYTES("Answers its argument.\n"), .example = PITON_BYTES("1"), .example_result = PITON_BYTES("1"),  \
    .since = PITON_BYTES("1.0.0"), .args = probe_args, .arity = 1, .flags = PITON_BUILTIN_LEAF, .frame_align = 1,    \
    .start = probe_start

/* A list of one builtin. */
#define ONE_BUILTIN(builtin_name)                                                                                    \
    static const struct piton_builtin builtins[] = { { .name = PITON_BYTES(builtin_name), PROBE } }

/* Name, version and builtins. */
#define REST(plugin_name)                                                                                            \
    .name = PITON_BYTES(plugin_name), .version = PITON_BYTES("1.0.0"), .builtins = builtins,                         \
    .builtin_count = sizeof builtins / sizeof builtins[0]

/*
 * PITON_PLUGIN_HEADER with each field open to change: C warns where an initializer overrides another. A file defines
 * the one that it changes before it includes this.
 */
#ifndef THE_MAGIC
#define THE_MAGIC PITON_MAGIC
#endif
#ifndef THE_MAJOR
#define THE_MAJOR PITON_ABI_MAJOR
#endif
#ifndef THE_MINOR
#define THE_MINOR PITON_ABI_MINOR
#endif
#ifndef THE_BUILTIN_SIZE
#define THE_BUILTIN_SIZE sizeof(struct piton_builtin)
#endif
#ifndef THE_TARGET
#define THE_TARGET PITON_TARGET
#endif
#define HEADER                                                                                                       \
    .magic = THE_MAGIC, .abi_major = THE_MAJOR, .abi_minor = THE_MINOR,                                              \
    .plugin_size = (uint32_t)sizeof(struct piton_plugin), .builtin_size = (uint32_t)(THE_BUILTIN_SIZE),              \
    .arg_size = (uint32_t)sizeof(struct piton_arg), .value_size = (uint32_t)sizeof(struct piton_value),              \
    .context_size = (uint32_t)sizeof(struct piton_vm),                                                               \
    .host_table_size = (uint32_t)sizeof(struct piton_host_table), .target = PITON_BYTES(THE_TARGET),                 \
    .language = PITON_BYTES("c")

/* The manifest of one builtin, with the departure in it under -DHONEST. */
#ifdef HONEST
#define MANIFEST(plugin_name, builtin)                                                                               \
    PITON_MANIFEST_JSON({"piton-plugin":1,"abi":[THE_MAJOR,THE_MINOR],"target":THE_TARGET,"name":plugin_name,        \
        "version":"1.0.0","builtins":[{"name":builtin,"arity":1,"capabilities":0}]})
#else
#define MANIFEST(plugin_name, builtin)                                                                               \
    PITON_MANIFEST(plugin_name, "1.0.0", {"name":builtin,"arity":1,"capabilities":0})
#endif
