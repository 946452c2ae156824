//! `include/piton_plugin.h` says the same as `src/abi.rs`: a C program prints what the header states, and each line
//! is compared with the Rust side. Lists that have forgotten a field or a constant fail too.

use piton_plugin_api::abi::*;
use piton_plugin_api::manifest;
use std::collections::BTreeSet;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

const HEADER: &str = include_str!("../include/piton_plugin.h");
const RUST: &str = include_str!("../src/abi.rs");

/// An expression of C and the value that Rust gives it.
struct Check {
    c: String,
    rust: u64,
}

/// Types that C does not know: the proof of Rust plugins, and the list of types for it.
const RUST_ONLY: &[&str] = &["RustProof", "AbiTypes"];

/// Size of the field that `get` reaches.
fn field_size<T, F>(_: fn(&T) -> &F) -> u64 {
    size_of::<F>() as u64
}

macro_rules! structs {
    ($($rust:ident = $c:ident { $($field:ident),* $(,)? })*) => {
        const STRUCTS: &[&str] = &[$(stringify!($rust)),*];

        fn structs() -> Vec<Check> {
            let mut checks = Vec::new();
            $({
                // Does not compile unless all fields are listed.
                #[allow(dead_code)]
                fn all_fields(it: &$rust) {
                    let $rust { $($field: _),* } = it;
                }
                let c = concat!("struct ", stringify!($c));
                checks.push(Check { c: format!("sizeof({c})"), rust: size_of::<$rust>() as u64 });
                checks.push(Check { c: format!("_Alignof({c})"), rust: align_of::<$rust>() as u64 });
                $(
                    let field = stringify!($field);
                    checks.push(Check {
                        c: format!("offsetof({c}, {field})"),
                        rust: offset_of!($rust, $field) as u64,
                    });
                    checks.push(Check {
                        c: format!("sizeof((({c} *)0)->{field})"),
                        rust: field_size(|it: &$rust| &it.$field),
                    });
                )*
            })*
            checks
        }
    };
}

structs! {
    RawValue = piton_value { head, payload }
    Bytes = piton_bytes { ptr, len }
    Attr = piton_attr { name, pos, value }
    RootSlot = piton_root_slot { word, link }
    RootChunk = piton_root_chunk { table, previous }
    RootTable = piton_root_table { free, chunks, owner, grow }
    Request = piton_request { number, argc, flags, args }
    HostTable = piton_host_table {
        struct_size, abi_major, abi_minor,
        error, type_error, panic,
        string_bytes, string_context, make_string, make_path,
        context_union, context_len, context_element, context_make,
        list_len, list_read, make_list, list_concat,
        intern, symbol_bytes,
        attrs_len, attrs_get, attrs_read, make_attrs, attrs_update, symbol_string,
        make_apply, list_map, list_generate, attrs_map,
        function_args, position, render, peek, same, attrs_without, attrs_names, attrs_values, attrs_common,
        string_symbol, call_at_once, attrs_without_list, attrs_of_members, attrs_zip, list_item,
        list_from, equal_at_once, error_step,
    }
    VmContext = piton_vm { struct_size, host, roots, instance, response, request }
    Arg = piton_arg { name, mode, reserved, told }
    Builtin = piton_builtin {
        name, doc, example, example_result, since, args, arity, flags, capabilities,
        frame_size, frame_align, start, resume, drop, quick,
    }
    Plugin = piton_plugin {
        magic, abi_major, abi_minor,
        plugin_size, builtin_size, arg_size, value_size, context_size, host_table_size,
        target, name, version, build_id, language, builtins, builtin_count, init, fini, rust_proof,
    }
}

macro_rules! constants {
    ($($rust:path = $c:ident,)*) => {
        /// Rust path and C name of each constant.
        const CONSTANTS: &[(&str, &str)] = &[$((stringify!($rust), stringify!($c))),*];

        #[allow(clippy::unnecessary_cast)] // the constants are of several types
        fn constants() -> Vec<Check> {
            vec![$(Check { c: stringify!($c).to_owned(), rust: $rust as u64 }),*]
        }
    };
}

constants! {
    ABI_MAJOR = PITON_ABI_MAJOR,
    ABI_MINOR = PITON_ABI_MINOR,
    MAGIC = PITON_MAGIC,
    tag::NULL = PITON_TAG_NULL,
    tag::BOOL = PITON_TAG_BOOL,
    tag::INT = PITON_TAG_INT,
    tag::FLOAT = PITON_TAG_FLOAT,
    tag::STRING = PITON_TAG_STRING,
    tag::PATH = PITON_TAG_PATH,
    tag::LIST = PITON_TAG_LIST,
    tag::ATTRS = PITON_TAG_ATTRS,
    tag::FUNCTION = PITON_TAG_FUNCTION,
    tag::THUNK = PITON_TAG_THUNK,
    tag::PENDING = PITON_TAG_PENDING,
    tag::ERROR = PITON_TAG_ERROR,
    tag::PANIC = PITON_TAG_PANIC,
    tag::ABSENT = PITON_TAG_ABSENT,
    tag::UNSUPPORTED = PITON_TAG_UNSUPPORTED,
    FLAG_HEAP = PITON_FLAG_HEAP,
    NO_SYMBOL = PITON_NO_SYMBOL,
    ROOT_SHIFT = PITON_ROOT_SHIFT,
    ROOT_CHUNK_BYTES = PITON_ROOT_CHUNK_BYTES,
    request::FORCE = PITON_REQUEST_FORCE,
    request::FORCE_DEEP = PITON_REQUEST_FORCE_DEEP,
    request::TRY_FORCE = PITON_REQUEST_TRY_FORCE,
    request::CALL = PITON_REQUEST_CALL,
    request::COERCE_TO_STRING = PITON_REQUEST_COERCE_TO_STRING,
    request::EQUAL = PITON_REQUEST_EQUAL,
    request::LESS = PITON_REQUEST_LESS,
    request::IMPORT = PITON_REQUEST_IMPORT,
    request::READ_FILE = PITON_REQUEST_READ_FILE,
    request::READ_DIR = PITON_REQUEST_READ_DIR,
    request::FILE_TYPE = PITON_REQUEST_FILE_TYPE,
    request::PATH_EXISTS = PITON_REQUEST_PATH_EXISTS,
    request::COERCE_TO_PATH = PITON_REQUEST_COERCE_TO_PATH,
    request::GET_ENV = PITON_REQUEST_GET_ENV,
    request::CURRENT_TIME = PITON_REQUEST_CURRENT_TIME,
    request::CURRENT_SYSTEM = PITON_REQUEST_CURRENT_SYSTEM,
    request::SEARCH_PATH = PITON_REQUEST_SEARCH_PATH,
    request::EMIT = PITON_REQUEST_EMIT,
    request::FORCE_WITH_CONTEXT = PITON_REQUEST_FORCE_WITH_CONTEXT,
    request::RESOLVE_SEARCH_PATH = PITON_REQUEST_RESOLVE_SEARCH_PATH,
    request::DERIVATION = PITON_REQUEST_DERIVATION,
    request::ADD_TEXT_TO_STORE = PITON_REQUEST_ADD_TEXT_TO_STORE,
    request::ADD_PATH_TO_STORE = PITON_REQUEST_ADD_PATH_TO_STORE,
    request::STORE_PATH = PITON_REQUEST_STORE_PATH,
    request::FETCH = PITON_REQUEST_FETCH,
    request::EVAL_TEXT = PITON_REQUEST_EVAL_TEXT,
    request::SETTING = PITON_REQUEST_SETTING,
    request::ADD_FETCHED_TO_STORE = PITON_REQUEST_ADD_FETCHED_TO_STORE,
    request::FIND_IN_STORE = PITON_REQUEST_FIND_IN_STORE,
    request::COERCE_ITEMS = PITON_REQUEST_COERCE_ITEMS,
    request::OUTPUT_OF = PITON_REQUEST_OUTPUT_OF,
    request::HASH_FILE = PITON_REQUEST_HASH_FILE,
    request::HOLD = PITON_REQUEST_HOLD,
    coerce::MORE = PITON_COERCE_MORE,
    coerce::COPY_TO_STORE = PITON_COERCE_COPY_TO_STORE,
    emit::TRACE = PITON_EMIT_TRACE,
    emit::WARNING = PITON_EMIT_WARNING,
    emit::TRACE_VERBOSE = PITON_EMIT_TRACE_VERBOSE,
    emit::BREAK = PITON_EMIT_BREAK,
    emit::NOTICE = PITON_EMIT_NOTICE,
    emit::CAUTION = PITON_EMIT_CAUTION,
    capability::READ = PITON_CAPABILITY_READ,
    capability::ENV = PITON_CAPABILITY_ENV,
    capability::CLOCK = PITON_CAPABILITY_CLOCK,
    capability::SYSTEM = PITON_CAPABILITY_SYSTEM,
    capability::STORE_WRITE = PITON_CAPABILITY_STORE_WRITE,
    capability::NET = PITON_CAPABILITY_NET,
    capability::EXEC = PITON_CAPABILITY_EXEC,
    error_kind::EVAL = PITON_ERROR_EVAL,
    error_kind::TYPE = PITON_ERROR_TYPE,
    error_kind::THROW = PITON_ERROR_THROW,
    error_kind::ABORT = PITON_ERROR_ABORT,
    error_kind::MISSING_ATTRIBUTE = PITON_ERROR_MISSING_ATTRIBUTE,
    error_kind::IO = PITON_ERROR_IO,
    error_kind::FORBIDDEN = PITON_ERROR_FORBIDDEN,
    error_kind::ASSERTION = PITON_ERROR_ASSERTION,
    error_kind::LIMIT = PITON_ERROR_LIMIT,
    arg::LAZY = PITON_ARG_LAZY,
    arg::ANY = PITON_ARG_ANY,
    flag::LEAF = PITON_BUILTIN_LEAF,
    flag::BARE = PITON_BUILTIN_BARE,
    flag::HIDDEN = PITON_BUILTIN_HIDDEN,
    MAX_FRAME_SIZE = PITON_MAX_FRAME_SIZE,
    MAX_FRAME_ALIGN = PITON_MAX_FRAME_ALIGN,
}

/// Constants that are text; the C program prints them with `%s`.
const TEXTS: &[(&str, &str, &str)] = &[
    ("TARGET", "PITON_TARGET", TARGET),
    ("ENTRY_PREFIX", "PITON_ENTRY_PREFIX", ENTRY_PREFIX),
    #[cfg(not(target_vendor = "apple"))]
    (
        "MANIFEST_SECTION",
        "PITON_MANIFEST_SECTION",
        MANIFEST_SECTION,
    ),
];

/// Names that one side alone has, with a reason.
const ONE_SIDED: &[&str] = &[
    "ABI_STABLE_VERSION", // of the proof of Rust plugins
    "PITON_REQUEST_ARGS", // in Rust the length of an array; checked below
    #[cfg(target_vendor = "apple")]
    "MANIFEST_SECTION", // segment and section in one word there
];

/// What no list above holds: macros with arguments, and lengths of arrays.
fn others() -> Vec<Check> {
    let args = (size_of::<Request>() - offset_of!(Request, args)) / size_of::<RawValue>();
    let mut checks = vec![Check {
        c: "PITON_REQUEST_ARGS".to_owned(),
        rust: args as u64,
    }];
    for number in tag::NULL..=tag::THUNK {
        checks.push(Check {
            c: format!("PITON_ARG_OF({number})"),
            rust: u64::from(arg::of(number)),
        });
    }
    checks
}

fn cc(directory: &Path, arguments: &[&str]) {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let include = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include");
    let output = Command::new(&compiler)
        .current_dir(directory)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", include])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("this test needs a C compiler; `{compiler}`: {error}"));
    assert!(
        output.status.success(),
        "`{compiler} {}` failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A directory of its own for each test, so that they may run at once.
fn directory(name: &str) -> std::path::PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).expect("the directory can be made");
    directory
}

/// Compiles and runs a C program; answers the lines that it prints.
fn run_c(name: &str, declarations: &str, statements: &str) -> Vec<String> {
    let directory = directory(name);
    let source = format!(
        "#include <piton_plugin.h>\n#include <stdio.h>\n{declarations}\nint main(void)\n{{\n{statements}    return 0;\n}}\n"
    );
    std::fs::write(directory.join("program.c"), source).expect("the program can be written");
    cc(&directory, &["-std=c11", "program.c", "-o", "program"]);
    let output = Command::new(directory.join("program"))
        .output()
        .expect("the program runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .expect("the program prints text")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn header_and_rust_agree() {
    let checks: Vec<Check> = structs()
        .into_iter()
        .chain(constants())
        .chain(others())
        .collect();
    let mut statements = String::new();
    for check in &checks {
        statements += &format!(
            "    printf(\"%llu\\n\", (unsigned long long)({}));\n",
            check.c
        );
    }
    for (_, c, _) in TEXTS {
        statements += &format!("    printf(\"%s\\n\", {c});\n");
    }
    let printed = run_c("layout", "", &statements);

    let expected: Vec<(String, String)> = checks
        .into_iter()
        .map(|check| (check.c, check.rust.to_string()))
        .chain(
            TEXTS
                .iter()
                .map(|(_, c, text)| (c.to_string(), text.to_string())),
        )
        .collect();
    assert_eq!(printed.len(), expected.len());
    let differences: Vec<String> = printed
        .iter()
        .zip(&expected)
        .filter(|(c, (_, rust))| *c != rust)
        .map(|(c, (expression, rust))| format!("{expression}: {c} in C, {rust} in Rust"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn header_compiles_as_c99() {
    let directory = directory("c99");
    std::fs::write(
        directory.join("unit.c"),
        "#include <piton_plugin.h>\nint unit;\n",
    )
    .expect("the unit can be written");
    cc(&directory, &["-std=c99", "-c", "unit.c", "-o", "unit.o"]);
}

#[test]
fn both_write_the_same_manifest() {
    const NONE: Builtin = piton_plugin_api::__private::EMPTY;
    const BUILTINS: &[Builtin] = &[
        Builtin {
            name: Bytes::from_str("pi"),
            ..NONE
        },
        Builtin {
            name: Bytes::from_str("readIt'"),
            arity: 2,
            capabilities: capability::READ,
            ..NONE
        },
    ];
    const LENGTH: usize = manifest::length("acme", "1.0.0-rc.1", BUILTINS);
    let rust: [u8; LENGTH] = manifest::render("acme", "1.0.0-rc.1", BUILTINS);

    let printed = run_c(
        "manifest",
        r#"PITON_MANIFEST("acme", "1.0.0-rc.1", {"name":"pi","arity":0,"capabilities":0},
            {"name":"readIt'","arity":2,"capabilities":PITON_CAPABILITY_READ});"#,
        "    printf(\"%.*s\\n\", (int)sizeof piton_manifest, piton_manifest);\n",
    );
    // No name in it holds a space, so taking spaces out compares the JSON.
    let c = printed.join("\n").replace(' ', "");
    assert_eq!(c.as_bytes(), rust);
}

/// Paths of the public constants of `abi.rs`, and names of its `repr(C)` structs.
fn public_items() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut constants, mut structs) = (BTreeSet::new(), BTreeSet::new());
    let mut module = String::new();
    let mut repr_c = false;
    for line in RUST.lines() {
        let words = line.trim_start();
        if let Some(name) = line.strip_prefix("pub mod ") {
            module = format!("{}::", name.trim_end_matches(" {"));
        } else if line == "}" {
            module.clear();
        } else if line == "#[repr(C)]" {
            repr_c = true;
        } else if let Some(rest) = words.strip_prefix("pub struct ")
            && std::mem::take(&mut repr_c)
        {
            structs.insert(rest.trim_end_matches(" {").to_owned());
        } else if let Some(rest) = words.strip_prefix("pub const ")
            && let Some((name, _)) = rest.split_once(':')
            && !name.starts_with("fn ")
            && !name.starts_with("unsafe ")
        {
            constants.insert(format!("{module}{name}"));
        }
    }
    (constants, structs)
}

#[test]
fn lists_are_complete() {
    let (constants, structs) = public_items();
    let listed: BTreeSet<&str> = CONSTANTS
        .iter()
        .map(|(rust, _)| *rust)
        .chain(TEXTS.iter().map(|(rust, _, _)| *rust))
        .chain(ONE_SIDED.iter().copied())
        .collect();
    for constant in &constants {
        assert!(
            listed.contains(constant.as_str()),
            "abi.rs: {constant} is not compared"
        );
    }
    assert!(constants.len() > 70, "abi.rs is not understood");
    for name in &structs {
        assert!(
            STRUCTS.contains(&name.as_str()) || RUST_ONLY.contains(&name.as_str()),
            "abi.rs: {name} is not compared"
        );
    }
    assert!(structs.len() >= STRUCTS.len(), "abi.rs is not understood");

    let compared: BTreeSet<&str> = CONSTANTS
        .iter()
        .map(|(_, c)| *c)
        .chain(ONE_SIDED.iter().copied())
        .collect();
    let families = [
        "TAG_",
        "REQUEST_",
        "COERCE_",
        "EMIT_",
        "CAPABILITY_",
        "ERROR_",
        "BUILTIN_",
        "FLAG_",
        "MAX_",
        "ABI_",
        "ROOT_",
    ];
    for line in HEADER.lines() {
        let Some(name) = line
            .strip_prefix("#define ")
            .and_then(|rest| rest.split_whitespace().next())
        else {
            continue;
        };
        let of_a_family = families.iter().any(|family| {
            name.strip_prefix("PITON_")
                .is_some_and(|rest| rest.starts_with(family))
        });
        if of_a_family && !name.contains('(') {
            assert!(
                compared.contains(name),
                "piton_plugin.h: {name} is not compared"
            );
        }
    }
    for line in HEADER.lines() {
        if let Some(name) = line
            .strip_prefix("struct ")
            .and_then(|rest| rest.strip_suffix(" {"))
        {
            let checked = self::structs()
                .iter()
                .any(|check| check.c == format!("sizeof(struct {name})"));
            assert!(checked, "piton_plugin.h: struct {name} is not compared");
        }
    }
}
