/*
 * piton_plugin.h - the ABI between the Piton evaluator and its plugins, version 1, for C (C99 or later).
 *
 * The Rust side of the same contract is src/abi.rs; tests/c_layout.rs compares the two. ABI.md says field by field who
 * owns what, when it may be called and what invalidates it. A whole plugin:
 *
 *     #include <piton_plugin.h>
 *
 *     static struct piton_value add(uint8_t *state, struct piton_vm *vm, const struct piton_value *args, size_t count)
 *     {
 *         (void)state; (void)vm; (void)count;
 *         return piton_int((int64_t)((uint64_t)piton_as_int(args[0]) + (uint64_t)piton_as_int(args[1])));
 *     }
 *
 *     static const struct piton_arg add_args[] = {
 *         { .name = PITON_BYTES("a"), .mode = PITON_ARG_OF(PITON_TAG_INT) },
 *         { .name = PITON_BYTES("b"), .mode = PITON_ARG_OF(PITON_TAG_INT) },
 *     };
 *     static const struct piton_builtin builtins[] = {
 *         { .name = PITON_BYTES("wrappingAdd"), .doc = PITON_BYTES("The sum modulo 2^64."),
 *           .example = PITON_BYTES("builtins.wrappingAdd 1 2"), .example_result = PITON_BYTES("3"),
 *           .since = PITON_BYTES("1.0.0"), .args = add_args, .arity = 2, .flags = PITON_BUILTIN_LEAF,
 *           .frame_align = 1, .start = add },
 *     };
 *     static const struct piton_plugin plugin = {
 *         PITON_PLUGIN_HEADER, .name = PITON_BYTES("adder"), .version = PITON_BYTES("1.0.0"),
 *         .builtins = builtins, .builtin_count = 1,
 *     };
 *     PITON_MANIFEST("adder", "1.0.0", {"name":"wrappingAdd","arity":2,"capabilities":0});
 *     PITON_PLUGIN_ENTRY(adder) { return &plugin; }
 */
#ifndef PITON_PLUGIN_H
#define PITON_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions ------------------------------------------------------------------------------------------------- */

/* Plain numbers, not expressions: they also stand in the manifest. */
#define PITON_ABI_MAJOR 1
#define PITON_ABI_MINOR 0

/* First word of struct piton_plugin: "PITONABI" in ASCII, little-endian. */
#define PITON_MAGIC UINT64_C(0x4942414e4f544950)

/* Architecture and system, as in piton_plugin.target. */
#if defined(__x86_64__) && defined(__linux__)
#define PITON_TARGET "x86_64-linux"
#elif defined(__aarch64__) && defined(__linux__)
#define PITON_TARGET "aarch64-linux"
#elif defined(__x86_64__) && defined(__APPLE__)
#define PITON_TARGET "x86_64-darwin"
#elif defined(__aarch64__) && defined(__APPLE__)
#define PITON_TARGET "aarch64-darwin"
#else
#define PITON_TARGET "unknown"
#endif

/* ---- values --------------------------------------------------------------------------------------------------- */

/*
 * A value as it crosses the boundary: two words, passed and returned in registers.
 *
 *   head    63 ............. 16 | 15 ... 8 | 7 ... 0
 *           root slot address   |  flags   |  tag      (root: 0 if the value has none)
 *   payload integer, IEEE double bits, 0 / 1 for bools, or an opaque word of the host
 */
struct piton_value {
    uint64_t head;    /* tag, flags and root slot */
    uint64_t payload; /* what the tag says */
};

/* Tags: the low byte of piton_value.head. */
#define PITON_TAG_NULL 0
#define PITON_TAG_BOOL 1
#define PITON_TAG_INT 2
#define PITON_TAG_FLOAT 3
#define PITON_TAG_STRING 4
#define PITON_TAG_PATH 5
#define PITON_TAG_LIST 6
#define PITON_TAG_ATTRS 7
#define PITON_TAG_FUNCTION 8 /* a lambda, a builtin or a partial application */
#define PITON_TAG_THUNK 9    /* not evaluated yet: force it to learn what it is */
/* Markers, which are not values. */
#define PITON_TAG_PENDING 0xf0     /* returned: the frame waits for piton_vm.request */
#define PITON_TAG_ERROR 0xf1       /* returned: an error was recorded with piton_host_table.error */
#define PITON_TAG_PANIC 0xf2       /* returned: a panic was caught and recorded */
#define PITON_TAG_ABSENT 0xf3      /* answered: no such attribute; try-force caught an error */
#define PITON_TAG_UNSUPPORTED 0xf4 /* answered: the host does not know the request's number */

/* Flag of piton_value.head: the payload refers to the host's heap, so that keeping it needs a root. */
#define PITON_FLAG_HEAP (UINT64_C(1) << 8)
/* Where the root slot's address starts in piton_value.head. */
#define PITON_ROOT_SHIFT 16

/* Borrowed bytes, not terminated by NUL. Null with length 0 means "none". */
struct piton_bytes {
    const uint8_t *ptr; /* first byte */
    size_t len;         /* how many */
};

/* An attribute on its way in or out of a set. */
struct piton_attr {
    uint32_t name;            /* its interned name; see piton_host_table.intern */
    uint32_t pos;             /* its source position, 0 if it has none; pass it on */
    struct piton_value value; /* its value */
};

/* ---- roots ---------------------------------------------------------------------------------------------------- */

/* A root: keeps one value alive across suspensions. */
struct piton_root_slot {
    uint64_t word; /* payload of the value that is kept */
    uint64_t link; /* in use: owner << 1 | 1; free: address of the next free slot, or 0 */
};

/* A chunk of slots starts at a multiple of this, so that the table is found from a slot's address. */
#define PITON_ROOT_CHUNK_BYTES 65536

struct piton_root_table;

/* Head of a chunk of root slots. */
struct piton_root_chunk {
    struct piton_root_table *table;    /* the table that the slots belong to */
    struct piton_root_chunk *previous; /* the chunk allocated before this one, or null */
};

/* The roots of one VM. Slots are taken off `free` and put back there. */
struct piton_root_table {
    struct piton_root_slot *free;                 /* first free slot, or null: then call `grow` */
    struct piton_root_chunk *chunks;              /* the newest chunk, or null */
    uint64_t owner;                               /* number of the frame that is being polled */
    void (*grow)(struct piton_root_table *table); /* makes more slots; afterwards `free` is not null */
};

/* ---- requests ------------------------------------------------------------------------------------------------- */

/* How many arguments a request holds. */
#define PITON_REQUEST_ARGS 6

/* What a suspended builtin asks of the host. Written before `start` or `resume` returns PITON_TAG_PENDING. */
struct piton_request {
    uint32_t number;                             /* one of PITON_REQUEST_* */
    uint32_t argc;                               /* how many of `args` count */
    uint64_t flags;                              /* options of the request */
    struct piton_value args[PITON_REQUEST_ARGS]; /* kept alive by the host while it serves the request */
};

/* Request numbers. Append-only: a number never changes its meaning. ABI.md has the table with flags and answers. */
#define PITON_REQUEST_FORCE 1                /* (v), or (v, level) -> v in weak head normal form */
#define PITON_REQUEST_FORCE_DEEP 2           /* (v) -> v, with everything reachable evaluated */
#define PITON_REQUEST_TRY_FORCE 3            /* (v) -> as FORCE; absent where throw or assert failed */
#define PITON_REQUEST_CALL 4                 /* (f, a1, ... a5) -> the result, in weak head normal form */
#define PITON_REQUEST_COERCE_TO_STRING 5     /* (v), flags PITON_COERCE_* -> string with context */
#define PITON_REQUEST_EQUAL 6                /* (a, b) -> bool */
#define PITON_REQUEST_LESS 7                 /* (a, b) -> bool */
#define PITON_REQUEST_IMPORT 8               /* (path) or (path, scope) -> the file's value; needs READ */
#define PITON_REQUEST_READ_FILE 9            /* (path) -> string without context; needs READ */
#define PITON_REQUEST_READ_DIR 10            /* (path) -> set from name to type; needs READ */
#define PITON_REQUEST_FILE_TYPE 11           /* (path) -> "regular", "directory", ...; needs READ */
#define PITON_REQUEST_PATH_EXISTS 12         /* (path), flag 1: must be a directory, 2: fails if forbidden -> bool; needs READ */
#define PITON_REQUEST_COERCE_TO_PATH 13      /* (v) -> path */
#define PITON_REQUEST_GET_ENV 14             /* (name) -> string, "" where unset; needs ENV */
#define PITON_REQUEST_CURRENT_TIME 15        /* () -> seconds since 1970; needs CLOCK */
#define PITON_REQUEST_CURRENT_SYSTEM 16      /* () -> "x86_64-linux" and the like; needs SYSTEM */
#define PITON_REQUEST_SEARCH_PATH 17         /* () -> list of { path, prefix }; needs ENV */
#define PITON_REQUEST_EMIT 18                /* (text), flags PITON_EMIT_* -> null */
#define PITON_REQUEST_FORCE_WITH_CONTEXT 19  /* (v, text) -> as FORCE; an error gains the line `text` */
#define PITON_REQUEST_RESOLVE_SEARCH_PATH 20 /* (path, name) -> path, or absent; needs READ */
#define PITON_REQUEST_DERIVATION 21          /* (attributes) -> set with drvPath and the outputs */
#define PITON_REQUEST_ADD_TEXT_TO_STORE 22   /* (name, contents) -> path with context; needs STORE_WRITE */
#define PITON_REQUEST_ADD_PATH_TO_STORE 23   /* (path, options, filter) -> path; needs READ, STORE_WRITE */
#define PITON_REQUEST_STORE_PATH 24          /* (path) -> store path with context; needs READ */
#define PITON_REQUEST_FETCH 25               /* (options) -> what was fetched; needs NET unless locked and local */
#define PITON_REQUEST_EVAL_TEXT 26           /* (text) -> the value of Nix source text */
#define PITON_REQUEST_SETTING 27             /* (name) -> whether that experimental feature, or mode, is enabled */
#define PITON_REQUEST_ADD_FETCHED_TO_STORE 28 /* (path, options) -> { outPath, narHash }; needs NET and STORE_WRITE */
#define PITON_REQUEST_FIND_IN_STORE 29       /* (name, hash) -> string with context, or ABSENT; needs NET */
#define PITON_REQUEST_COERCE_ITEMS 30        /* (list), flags PITON_COERCE_*: the list with its elements coerced to strings */
#define PITON_REQUEST_OUTPUT_OF 31           /* (derivation, output) -> string with context */
#define PITON_REQUEST_HASH_FILE 32           /* (algorithm, path) -> hexadecimal; needs READ */
#define PITON_REQUEST_HOLD 33                /* (bytes): what the builtin holds in memory of its own, for the limit -> null */

/* Flags of PITON_REQUEST_COERCE_TO_STRING and PITON_REQUEST_COERCE_ITEMS. */
#define PITON_COERCE_MORE 1          /* also integers, floats, bools, null and lists */
#define PITON_COERCE_COPY_TO_STORE 2 /* paths are copied to the store */

/* Flags of PITON_REQUEST_EMIT. */
#define PITON_EMIT_TRACE 0
#define PITON_EMIT_WARNING 1
#define PITON_EMIT_TRACE_VERBOSE 2
#define PITON_EMIT_BREAK 3
#define PITON_EMIT_NOTICE 4
#define PITON_EMIT_CAUTION 5

/* Capabilities: what of the outside world a builtin needs. Plain numbers, so that they can stand in the manifest. */
#define PITON_CAPABILITY_READ 1
#define PITON_CAPABILITY_ENV 2
#define PITON_CAPABILITY_CLOCK 4
#define PITON_CAPABILITY_SYSTEM 8
#define PITON_CAPABILITY_STORE_WRITE 16
#define PITON_CAPABILITY_NET 32
#define PITON_CAPABILITY_EXEC 64

/* Kinds of errors. */
#define PITON_ERROR_EVAL 0              /* anything without a kind of its own */
#define PITON_ERROR_TYPE 1              /* a value of the wrong type */
#define PITON_ERROR_THROW 2             /* throw: caught by tryEval */
#define PITON_ERROR_ABORT 3             /* abort */
#define PITON_ERROR_MISSING_ATTRIBUTE 4 /* an attribute that is not there */
#define PITON_ERROR_IO 5                /* reading a file, the environment, a store */
#define PITON_ERROR_FORBIDDEN 6         /* not permitted in this mode */
#define PITON_ERROR_ASSERTION 7         /* a failed assertion: caught by tryEval */
#define PITON_ERROR_LIMIT 8             /* a limit */

/* ---- the host ------------------------------------------------------------------------------------------------- */

struct piton_vm;

/*
 * Synchronous functions of the host, for use during a poll on the thread that polls. None evaluates, collects or
 * unwinds. Values they return are alive until the poll ends unless rooted.
 */
struct piton_host_table {
    size_t struct_size; /* size of this table in the host; a function beyond it is not there */
    uint32_t abi_major; /* ABI major of the host */
    uint32_t abi_minor; /* ABI minor of the host */

    /* Records an error (kind PITON_ERROR_*, message in UTF-8); return the marker that it answers. */
    struct piton_value (*error)(struct piton_vm *vm, uint32_t kind, struct piton_bytes message);
    /* Records "expected a list but found an integer: 1"; `expected` is a mask of PITON_ARG_OF(tag). */
    struct piton_value (*type_error)(struct piton_vm *vm, uint32_t expected, const struct piton_value *found);
    /* Records a caught panic: message and "file:line:column" of the plugin's source. */
    struct piton_value (*panic)(struct piton_vm *vm, struct piton_bytes message, struct piton_bytes place);

    /* The bytes of a string or path; valid while `value` stays where it is and until the poll ends. */
    struct piton_bytes (*string_bytes)(struct piton_vm *vm, const struct piton_value *value);
    /* The context id of a string; 0 is the empty context. */
    uint64_t (*string_context)(struct piton_vm *vm, const struct piton_value *value);
    /* Makes a string. */
    struct piton_value (*make_string)(struct piton_vm *vm, struct piton_bytes bytes, uint64_t context);
    /* Makes a path from an absolute, canonical path text. */
    struct piton_value (*make_path)(struct piton_vm *vm, struct piton_bytes bytes);
    /* Union of two contexts. */
    uint64_t (*context_union)(struct piton_vm *vm, uint64_t a, uint64_t b);
    /* How many elements a context has. */
    size_t (*context_len)(struct piton_vm *vm, uint64_t context);
    /* Element `index` in sorted order, in Nix's notation. Valid for ever. */
    struct piton_bytes (*context_element)(struct piton_vm *vm, uint64_t context, size_t index);
    /* The context of these elements (any order, duplicates allowed). */
    uint64_t (*context_make)(struct piton_vm *vm, const struct piton_bytes *elements, size_t count);

    /* How many elements a list has. */
    size_t (*list_len)(struct piton_vm *vm, const struct piton_value *list);
    /* Copies elements start .. start + count to `out`. */
    void (*list_read)(struct piton_vm *vm, const struct piton_value *list, size_t start, size_t count,
                      struct piton_value *out);
    /* Makes a list. */
    struct piton_value (*make_list)(struct piton_vm *vm, const struct piton_value *items, size_t count);
    /* Concatenates lists. */
    struct piton_value (*list_concat)(struct piton_vm *vm, const struct piton_value *lists, size_t count);

    /* Interns a name. */
    uint32_t (*intern)(struct piton_vm *vm, struct piton_bytes name);
    /* The text of an interned name. Valid for ever. */
    struct piton_bytes (*symbol_bytes)(struct piton_vm *vm, uint32_t name);

    /* How many attributes a set has. */
    size_t (*attrs_len)(struct piton_vm *vm, const struct piton_value *attrs);
    /* The attribute `name`, or PITON_TAG_ABSENT in its value's tag. */
    struct piton_attr (*attrs_get)(struct piton_vm *vm, const struct piton_value *attrs, uint32_t name);
    /* Copies attributes start .. start + count, in the order of the bytes of their names, to `out`. */
    void (*attrs_read)(struct piton_vm *vm, const struct piton_value *attrs, size_t start, size_t count,
                       struct piton_attr *out);
    /* Makes a set; of attributes with one name the first stays. */
    struct piton_value (*make_attrs)(struct piton_vm *vm, const struct piton_attr *attrs, size_t count);
    /* a // b */
    struct piton_value (*attrs_update)(struct piton_vm *vm, const struct piton_value *a, const struct piton_value *b);
    /* A string value with the text of `name`, shared with the symbol. */
    struct piton_value (*symbol_string)(struct piton_vm *vm, uint32_t name);

    /* A thunk that applies `f` to `args` when forced. */
    struct piton_value (*make_apply)(struct piton_vm *vm, const struct piton_value *f, const struct piton_value *args,
                                     size_t count);
    /* The list of thunks `f e` for each element `e`. */
    struct piton_value (*list_map)(struct piton_vm *vm, const struct piton_value *f, const struct piton_value *list);
    /* The list of thunks `f i` for `i` from 0 to count - 1. */
    struct piton_value (*list_generate)(struct piton_vm *vm, const struct piton_value *f, size_t count);
    /* The set of thunks `f "name" value`. */
    struct piton_value (*attrs_map)(struct piton_vm *vm, const struct piton_value *f, const struct piton_value *attrs);

    /* The set of a lambda's formals, each with whether it has a default; empty for others. */
    struct piton_value (*function_args)(struct piton_vm *vm, const struct piton_value *f);
    /* { file, line, column } of a position of piton_attr.pos, or null. */
    struct piton_value (*position)(struct piton_vm *vm, uint32_t pos);
    /* An evaluated value as text: flags 0 as Nix prints it, 1 as XML. */
    struct piton_value (*render)(struct piton_vm *vm, const struct piton_value *value, uint64_t flags);
    /* What `value` is if it has been evaluated meanwhile, or the thunk still. */
    struct piton_value (*peek)(struct piton_vm *vm, const struct piton_value *value);
    /* Whether two values are the same cell of the host. */
    bool (*same)(struct piton_vm *vm, const struct piton_value *a, const struct piton_value *b);
    /* The set without the attributes of these `count` names; it need not have them. */
    struct piton_value (*attrs_without)(struct piton_vm *vm, const struct piton_value *attrs, const uint32_t *names, size_t count);
    /* The names of a set, as strings sorted by their bytes: a list. */
    struct piton_value (*attrs_names)(struct piton_vm *vm, const struct piton_value *attrs);
    /* The values of a set, in the order of their names' bytes: a list. */
    struct piton_value (*attrs_values)(struct piton_vm *vm, const struct piton_value *attrs);
    /* The attributes of the set `b` whose names the set `a` has, too. */
    struct piton_value (*attrs_common)(struct piton_vm *vm, const struct piton_value *a, const struct piton_value *b);
    /* The interned name that a string without context is; PITON_NO_SYMBOL for one with a context, and for other values. */
    uint64_t (*string_symbol)(struct piton_vm *vm, const struct piton_value *string);
    /* Calls `f` with these arguments, if it is a builtin that takes so many and never suspends, and all that it wants forced is: its
     * value, or PITON_TAG_ERROR. PITON_TAG_ABSENT if that is not so, if its result is a thunk, or if it cannot be told; then
     * PITON_REQUEST_CALL does it, and may call `f` again. Not from a builtin that was called so itself. */
    struct piton_value (*call_at_once)(struct piton_vm *vm, const struct piton_value *f, const struct piton_value *args, size_t count);
    /* A set without the attributes whose names a list holds; PITON_TAG_ABSENT where a member of it is not evaluated, or is no string
     * without context. */
    struct piton_value (*attrs_without_list)(struct piton_vm *vm, const struct piton_value *attrs, const struct piton_value *list);
    /* A set out of a list of evaluated sets: for each an attribute whose name is its attribute `name`, an evaluated string without
     * context, with the value and the position of its attribute `member`. Of several with one name the first stays;
     * PITON_TAG_ABSENT where one that stays has no `member`, or where one has no such name. */
    struct piton_value (*attrs_of_members)(struct piton_vm *vm, const struct piton_value *list, uint32_t name, uint32_t member);
    /* The names of all sets in a list of evaluated sets, each with the thunk `f "name" values`, where `values` lists what the sets
     * have under that name; without positions. PITON_TAG_ABSENT where one of them is not evaluated, or no set. */
    struct piton_value (*attrs_zip)(struct piton_vm *vm, const struct piton_value *f, const struct piton_value *list);
    /* Element `index` of a list (borrowed: root it to keep it); PITON_TAG_ABSENT where the list ends before. */
    struct piton_value (*list_item)(struct piton_vm *vm, const struct piton_value *list, size_t index);
    /* The list of the elements from `start` on; PITON_TAG_ABSENT where the list ends before `start`. */
    struct piton_value (*list_from)(struct piton_vm *vm, const struct piton_value *list, size_t start);
    /* `a == b`, a bool, where both are evaluated as far as that takes and it takes few looks; else PITON_TAG_ABSENT, and
     * PITON_REQUEST_EQUAL tells. */
    struct piton_value (*equal_at_once)(struct piton_vm *vm, const struct piton_value *a, const struct piton_value *b);
    /* Adds a step of the trace, as in "while evaluating the value of ...", to the error that `error` or `type_error` has recorded in this
     * poll. */
    void (*error_step)(struct piton_vm *vm, struct piton_bytes step);
};

/* What is no interned name; see string_symbol. */
#define PITON_NO_SYMBOL UINT64_MAX

/* What a plugin sees of the VM that runs it. Owned by the host, at a stable address, used by one thread at a time. */
struct piton_vm {
    size_t struct_size;                  /* size of this struct in the host */
    const struct piton_host_table *host; /* the host's functions */
    struct piton_root_table *roots;      /* the root slots */
    void *instance;                      /* what the plugin's `init` returned; set before each poll */
    struct piton_value response;         /* the answer to the last request; set before `resume` */
    struct piton_request request;        /* what the frame asks for when it suspends */
};

/* ---- descriptors ---------------------------------------------------------------------------------------------- */

/* How the host prepares an argument before `start`: piton_arg.mode. */
#define PITON_ARG_LAZY 0                    /* passed as it is, possibly a thunk */
#define PITON_ARG_ANY UINT32_MAX            /* forced; any type */
#define PITON_ARG_OF(tag) (UINT32_C(1) << (tag)) /* forced and checked; a mask of these accepts several types */

/* An argument of a builtin. */
struct piton_arg {
    struct piton_bytes name; /* its name in the documentation */
    uint32_t mode;           /* PITON_ARG_* */
    uint32_t reserved;       /* zero */
    struct piton_bytes told; /* what traces say of it behind "while evaluating the"; empty for "first argument passed to builtins.NAME" */
};

/* piton_builtin.flags */
#define PITON_BUILTIN_LEAF 1   /* never suspends: no frame is reserved, `resume` and `drop` are not called */
#define PITON_BUILTIN_BARE 2   /* visible without `builtins.`; others are visible as `__name` */
#define PITON_BUILTIN_HIDDEN 4 /* not an attribute of `builtins`; only the host looks it up */

/* Begins a call in `state`, `frame_size` bytes of host memory that do not move. `args` stays as it is until the call is over,
 * and so does what it names. */
typedef struct piton_value (*piton_start)(uint8_t *state, struct piton_vm *vm, const struct piton_value *args,
                                          size_t count);
/* Goes on after a request. */
typedef struct piton_value (*piton_resume)(uint8_t *state, struct piton_vm *vm, struct piton_value response);
/* Ends a suspended call that will not be resumed. */
typedef void (*piton_drop)(uint8_t *state, struct piton_vm *vm);

/* The largest frame that the host reserves, and its largest alignment. */
#define PITON_MAX_FRAME_SIZE 65536
#define PITON_MAX_FRAME_ALIGN 16

/* Descriptor of a builtin. Immutable; lives for ever. */
struct piton_builtin {
    struct piton_bytes name;           /* its name */
    struct piton_bytes doc;            /* documentation, Markdown */
    struct piton_bytes example;        /* a runnable example: a Nix expression */
    struct piton_bytes example_result; /* what it evaluates to, as Piton prints it */
    struct piton_bytes since;          /* the version of the plugin that introduced it */
    const struct piton_arg *args;      /* its arguments */
    uint32_t arity;                    /* how many; 0 is a constant, evaluated once */
    uint32_t flags;                    /* PITON_BUILTIN_* */
    uint64_t capabilities;             /* PITON_CAPABILITY_* */
    uint32_t frame_size;               /* size of a frame, at most PITON_MAX_FRAME_SIZE */
    uint32_t frame_align;              /* alignment of a frame: a power of two, at most PITON_MAX_FRAME_ALIGN */
    piton_start start;                 /* begins a call */
    piton_resume resume;               /* goes on with one; null for a leaf */
    piton_drop drop;                   /* ends one; null for a leaf, and where nothing is to be released */
    piton_start quick;                 /* tries a call without a frame (state is null): the result, or ABSENT; may be null */
};

/* What the entry function returns. Immutable; lives for ever. */
struct piton_plugin {
    uint64_t magic;                       /* PITON_MAGIC */
    uint32_t abi_major;                   /* PITON_ABI_MAJOR */
    uint32_t abi_minor;                   /* PITON_ABI_MINOR that the plugin was built for */
    uint32_t plugin_size;                 /* sizeof(struct piton_plugin) as the plugin sees it; likewise below */
    uint32_t builtin_size;                /* sizeof(struct piton_builtin) */
    uint32_t arg_size;                    /* sizeof(struct piton_arg) */
    uint32_t value_size;                  /* sizeof(struct piton_value) */
    uint32_t context_size;                /* sizeof(struct piton_vm) */
    uint32_t host_table_size;             /* sizeof(struct piton_host_table) */
    struct piton_bytes target;            /* PITON_TARGET */
    struct piton_bytes name;              /* the plugin's name: lower-case letters, digits and `_` */
    struct piton_bytes version;           /* its version */
    struct piton_bytes build_id;          /* build id of a set that ships with Piton; empty for others */
    struct piton_bytes language;          /* "c" */
    const struct piton_builtin *builtins; /* an array of `builtin_count`, `builtin_size` apart */
    size_t builtin_count;                 /* how many */
    void *(*init)(struct piton_vm *vm);   /* makes the state of one VM; may be null */
    void (*fini)(void *instance);         /* ends it; may be null */
    void (*rust_proof)(void);             /* null: only plugins written in Rust have it, with another signature */
};

/* ---- macros for plugins --------------------------------------------------------------------------------------- */

/* What the name of the entry symbol begins with, and the section (on macOS: segment and section) of the manifest. */
#define PITON_ENTRY_PREFIX "piton_plugin_v1_"
#if defined(__APPLE__)
#define PITON_MANIFEST_SECTION "__DATA,__piton"
#else
#define PITON_MANIFEST_SECTION ".piton_manifest"
#endif

/* Initializes a struct piton_bytes from a string literal. */
#define PITON_BYTES(literal) { (const uint8_t *)("" literal), sizeof("" literal) - 1 }

/* The fields of struct piton_plugin that are the same in each plugin written in C. */
#define PITON_PLUGIN_HEADER                                                                                          \
    .magic = PITON_MAGIC, .abi_major = PITON_ABI_MAJOR, .abi_minor = PITON_ABI_MINOR,                                \
    .plugin_size = (uint32_t)sizeof(struct piton_plugin), .builtin_size = (uint32_t)sizeof(struct piton_builtin),    \
    .arg_size = (uint32_t)sizeof(struct piton_arg), .value_size = (uint32_t)sizeof(struct piton_value),              \
    .context_size = (uint32_t)sizeof(struct piton_vm),                                                               \
    .host_table_size = (uint32_t)sizeof(struct piton_host_table), .target = PITON_BYTES(PITON_TARGET),               \
    .language = PITON_BYTES("c")

#ifdef __cplusplus
#define PITON_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define PITON_EXPORT __attribute__((visibility("default")))
#endif

/* Head of the entry function: PITON_PLUGIN_ENTRY(acme) { return &plugin; } - the name as in struct piton_plugin. */
#define PITON_PLUGIN_ENTRY(name)                                                                                     \
    PITON_EXPORT const struct piton_plugin *piton_plugin_v1_##name(void);                                            \
    PITON_EXPORT const struct piton_plugin *piton_plugin_v1_##name(void)

/* `retain` keeps the manifest from --gc-sections; `nonstring` says that the missing NUL is meant. */
#ifdef __has_attribute
#if __has_attribute(retain)
#define PITON_RETAIN , retain
#endif
#if __has_attribute(nonstring)
#define PITON_NONSTRING , nonstring
#endif
#endif
#ifndef PITON_RETAIN
#define PITON_RETAIN
#endif
#ifndef PITON_NONSTRING
#define PITON_NONSTRING
#endif

/* Puts `text`, a string literal, into the section of the manifest; once in a plugin. C++ cannot leave out the NUL. */
#ifdef __cplusplus
#define PITON_MANIFEST_LENGTH(text) sizeof(text)
#else
#define PITON_MANIFEST_LENGTH(text) (sizeof(text) - 1)
#endif
#define PITON_MANIFEST_TEXT(text)                                                                                    \
    static const char piton_manifest[PITON_MANIFEST_LENGTH(text)]                                                               \
        __attribute__((section(PITON_MANIFEST_SECTION), used PITON_RETAIN PITON_NONSTRING)) = text

/*
 * Writes the manifest: name and version as string literals, then each builtin as JSON, unquoted:
 *
 *     PITON_MANIFEST("acme", "1.0.0", {"name":"pi","arity":0,"capabilities":0}, {"name":"add","arity":2,"capabilities":0});
 *
 * Macros are expanded, so PITON_CAPABILITY_READ may stand for its number; a sum of capabilities must be written as
 * one number, since JSON has no `|`. The host compares the manifest with the descriptors.
 */
#define PITON_MANIFEST(name_literal, version_literal, ...)                                                           \
    PITON_MANIFEST_JSON({"piton-plugin":1,"abi":[PITON_ABI_MAJOR,PITON_ABI_MINOR],"target":PITON_TARGET,             \
        "name":name_literal,"version":version_literal,"builtins":[__VA_ARGS__]})
#define PITON_MANIFEST_JSON(...) PITON_MANIFEST_JSON_TEXT(__VA_ARGS__)
#define PITON_MANIFEST_JSON_TEXT(...) PITON_MANIFEST_TEXT(#__VA_ARGS__)

/* ---- helpers: values ------------------------------------------------------------------------------------------ */

/* A value without root: an immediate or a marker. */
static inline struct piton_value piton_value_of(uint64_t tag, uint64_t payload)
{
    struct piton_value value;
    value.head = tag;
    value.payload = payload;
    return value;
}

static inline struct piton_value piton_null(void) { return piton_value_of(PITON_TAG_NULL, 0); }
static inline struct piton_value piton_bool(bool b) { return piton_value_of(PITON_TAG_BOOL, b ? 1 : 0); }
static inline struct piton_value piton_int(int64_t i) { return piton_value_of(PITON_TAG_INT, (uint64_t)i); }
static inline struct piton_value piton_float(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return piton_value_of(PITON_TAG_FLOAT, bits);
}

/* The tag, one of PITON_TAG_*. */
static inline uint32_t piton_tag(struct piton_value value) { return (uint32_t)(value.head & 0xff); }
static inline bool piton_is_thunk(struct piton_value value) { return piton_tag(value) == PITON_TAG_THUNK; }

/* What a value of the matching tag holds; check the tag first. */
static inline int64_t piton_as_int(struct piton_value value) { return (int64_t)value.payload; }
static inline bool piton_as_bool(struct piton_value value) { return value.payload != 0; }
static inline double piton_as_float(struct piton_value value)
{
    double d;
    memcpy(&d, &value.payload, sizeof d);
    return d;
}

/* Bytes, and the bytes of a C string. */
static inline struct piton_bytes piton_bytes(const void *ptr, size_t len)
{
    struct piton_bytes bytes;
    bytes.ptr = (const uint8_t *)ptr;
    bytes.len = len;
    return bytes;
}
static inline struct piton_bytes piton_text(const char *text) { return piton_bytes(text, strlen(text)); }

/* ---- helpers: roots ------------------------------------------------------------------------------------------- */

/* The same value without a mention of a root; frees nothing. What `start` and `resume` return need not be stripped. */
static inline struct piton_value piton_strip(struct piton_value value)
{
    value.head &= 0xffff;
    return value;
}

/*
 * Gives a value a root of its own, so that it may be kept across a suspension; keep what it returns. What needs no
 * root comes back as it is. End it with piton_unroot; the host ends what is left when the frame ends.
 */
static inline struct piton_value piton_root(struct piton_vm *vm, struct piton_value value)
{
    struct piton_root_table *table;
    struct piton_root_slot *slot;
    value = piton_strip(value);
    if ((value.head & PITON_FLAG_HEAP) == 0)
        return value;
    table = vm->roots;
    if (table->free == NULL)
        table->grow(table);
    slot = table->free;
    table->free = (struct piton_root_slot *)(uintptr_t)slot->link;
    slot->word = value.payload;
    slot->link = table->owner << 1 | 1;
    value.head |= (uint64_t)(uintptr_t)slot << PITON_ROOT_SHIFT;
    return value;
}

/* Ends the root of a value, if it has one, and returns the value without it: alive until the poll ends. */
static inline struct piton_value piton_unroot(struct piton_value value)
{
    uintptr_t address = (uintptr_t)(value.head >> PITON_ROOT_SHIFT);
    if (address != 0) {
        struct piton_root_slot *slot = (struct piton_root_slot *)address;
        struct piton_root_chunk *chunk =
            (struct piton_root_chunk *)(address & ~(uintptr_t)(PITON_ROOT_CHUNK_BYTES - 1));
        slot->link = (uint64_t)(uintptr_t)chunk->table->free;
        chunk->table->free = slot;
    }
    return piton_strip(value);
}

/* ---- helpers: errors and requests, each to be returned at once ------------------------------------------------ */

/* Fails: return piton_error(vm, PITON_ERROR_EVAL, "message"); */
static inline struct piton_value piton_error(struct piton_vm *vm, uint32_t kind, const char *message)
{
    return vm->host->error(vm, kind, piton_text(message));
}

/* Suspends: writes the request and makes the marker. At most PITON_REQUEST_ARGS arguments. */
static inline struct piton_value piton_request(struct piton_vm *vm, uint32_t number, uint64_t flags,
                                               const struct piton_value *args, size_t argc)
{
    size_t at;
    for (at = 0; at < argc && at < PITON_REQUEST_ARGS; at++)
        vm->request.args[at] = args[at];
    vm->request.number = number;
    vm->request.argc = (uint32_t)at;
    vm->request.flags = flags;
    return piton_value_of(PITON_TAG_PENDING, 0);
}

/* Suspends until `value` is in weak head normal form. */
static inline struct piton_value piton_force(struct piton_vm *vm, struct piton_value value)
{
    return piton_request(vm, PITON_REQUEST_FORCE, 0, &value, 1);
}

/* Suspends for the call of `f` with one or two arguments. */
static inline struct piton_value piton_call1(struct piton_vm *vm, struct piton_value f, struct piton_value a)
{
    struct piton_value args[2];
    args[0] = f;
    args[1] = a;
    return piton_request(vm, PITON_REQUEST_CALL, 0, args, 2);
}
static inline struct piton_value piton_call2(struct piton_vm *vm, struct piton_value f, struct piton_value a,
                                             struct piton_value b)
{
    struct piton_value args[3];
    args[0] = f;
    args[1] = a;
    args[2] = b;
    return piton_request(vm, PITON_REQUEST_CALL, 0, args, 3);
}

/*
 * Whether the host has the function `field` of its table. All functions up to the plugin's own minor are there; ask
 * only where the plugin states an older abi_minor than this header's, to load into older hosts too.
 */
#define PITON_HOST_HAS(vm, field)                                                                                    \
    ((vm)->host->struct_size >= offsetof(struct piton_host_table, field) + sizeof((vm)->host->field))

#ifdef __cplusplus
}
#endif

#endif /* PITON_PLUGIN_H */
