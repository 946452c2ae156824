//! The binary contract, as `include/piton_plugin.h` states it for C and ABI.md explains it field by field.
//! Types without behaviour: everything here is `repr(C)`, and a change of any of it is a change of the ABI.

use abi_stable::StableAbi;
use std::ffi::c_void;

/// ABI major version: stands in the name of the entry symbol; a plugin of another major cannot load.
pub const ABI_MAJOR: u32 = 1;
/// ABI minor version: grows when requests, host functions or flags are appended. A plugin loads if its
/// minor is at most the host's.
pub const ABI_MINOR: u32 = 0;
/// First word of [`Plugin`]: "PITONABI" in ASCII, little-endian.
pub const MAGIC: u64 = 0x4942_414e_4f54_4950;

/// A value as it crosses the boundary: two words, passed and returned in registers.
///
/// ```text
///  head    63 ............. 16 | 15 ... 8 | 7 ... 0
///          root slot address   |  flags   |  tag      (root: 0 if the value needs none or is only borrowed)
///  payload integer, IEEE double bits, 0 / 1 for bools, or an opaque word of the host
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct RawValue {
    /// Tag, flags and root slot.
    pub head: u64,
    /// What the tag says.
    pub payload: u64,
}

impl RawValue {
    /// A copy, read word by word. Whoever has just written the two words and reads them as one of twice the size waits until they
    /// have come to the cache, three times as long as the whole call of a small builtin takes.
    #[inline(always)]
    pub fn by_words(&self) -> RawValue {
        // SAFETY: what is borrowed can be read; volatile, so that the compiler does not make one load of two.
        unsafe {
            RawValue {
                head: std::ptr::read_volatile(&raw const self.head),
                payload: std::ptr::read_volatile(&raw const self.payload),
            }
        }
    }
}

/// Tags of [`RawValue`], in the low byte of `head`.
pub mod tag {
    /// `null`
    pub const NULL: u64 = 0;
    /// `true`, `false`
    pub const BOOL: u64 = 1;
    /// A 64-bit integer.
    pub const INT: u64 = 2;
    /// A double.
    pub const FLOAT: u64 = 3;
    /// A string with its context.
    pub const STRING: u64 = 4;
    /// A path.
    pub const PATH: u64 = 5;
    /// A list.
    pub const LIST: u64 = 6;
    /// An attribute set.
    pub const ATTRS: u64 = 7;
    /// A lambda, a builtin or a partial application.
    pub const FUNCTION: u64 = 8;
    /// Not evaluated yet: force it to learn what it is.
    pub const THUNK: u64 = 9;
    /// Returned by `start` and `resume`: the builtin waits for [`super::Request`].
    pub const PENDING: u64 = 0xf0;
    /// Returned by `start` and `resume`: an error was recorded with [`super::HostTable::error`].
    pub const ERROR: u64 = 0xf1;
    /// Returned by `start` and `resume`: a panic was caught and recorded with [`super::HostTable::panic`].
    pub const PANIC: u64 = 0xf2;
    /// Answers of the host: there is no such attribute; `try-force` caught an error.
    pub const ABSENT: u64 = 0xf3;
    /// Answer of the host to a request whose number it does not know.
    pub const UNSUPPORTED: u64 = 0xf4;
}

/// Flag of [`RawValue::head`]: the payload refers to memory of the host's heap, so whoever keeps the value across a
/// suspension needs a root for it.
pub const FLAG_HEAP: u64 = 1 << 8;
/// Where the root slot's address starts in [`RawValue::head`].
pub const ROOT_SHIFT: u32 = 16;

/// Borrowed bytes. Null with length 0 means "none".
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Bytes {
    /// First byte.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

/// An attribute on its way in or out of a set.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Attr {
    /// Its interned name; see [`HostTable::intern`].
    pub name: u32,
    /// Its source position, 0 if it has none. Passing it on keeps `unsafeGetAttrPos` and messages right.
    pub pos: u32,
    /// Its value.
    pub value: RawValue,
}

/// A root: keeps one value alive across suspensions. Free slots are linked through `link`.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct RootSlot {
    /// Payload of the value that is kept.
    pub word: u64,
    /// In use: `owner << 1 | 1`, the owner being [`RootTable::owner`] at the time of rooting. Free: address of the next free slot, or 0.
    pub link: u64,
}

/// Slots of one chunk; a chunk starts at a multiple of [`ROOT_CHUNK_BYTES`], so that the table is found from a slot's address.
pub const ROOT_CHUNK_BYTES: usize = 64 * 1024;

/// Head of a chunk of root slots.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct RootChunk {
    /// The table that the slots belong to.
    pub table: *mut RootTable,
    /// The chunk allocated before this one, or null.
    pub previous: *mut RootChunk,
}

/// The roots of one VM. A plugin takes slots off `free` and puts them back; when it is null it calls `grow`.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct RootTable {
    /// First free slot, or null.
    pub free: *mut RootSlot,
    /// The newest chunk, or null.
    pub chunks: *mut RootChunk,
    /// Number of the frame that is being polled: who owns the roots made now.
    pub owner: u64,
    /// Makes more slots; afterwards `free` is not null.
    pub grow: unsafe extern "C" fn(table: *mut RootTable),
}

/// What a suspended builtin asks of the host. Written before `start` or `resume` returns [`tag::PENDING`].
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct Request {
    /// One of [`request`].
    pub number: u32,
    /// How many of `args` count.
    pub argc: u32,
    /// Options of the request.
    pub flags: u64,
    /// Its arguments. The host keeps them alive while it serves the request.
    pub args: [RawValue; 6],
}

/// Request numbers. Append-only: a number never changes its meaning.
pub mod request {
    /// `(v)`, or `(v, level)`: evaluates to weak head normal form; answers the value. Fails where data nested `level` deep is too deep.
    pub const FORCE: u32 = 1;
    /// `(v)`: evaluates everything reachable; answers the value.
    pub const FORCE_DEEP: u32 = 2;
    /// `(v)`: like [`FORCE`]; where `throw` or `assert` fails answers [`super::tag::ABSENT`].
    pub const TRY_FORCE: u32 = 3;
    /// `(f, a1, ... a5)`: calls `f` with 1 to 5 arguments; answers the result in weak head normal form.
    pub const CALL: u32 = 4;
    /// `(v)`, flags [`super::coerce`]: answers a string with context, as Nix coerces.
    pub const COERCE_TO_STRING: u32 = 5;
    /// `(a, b)`: answers whether `a == b`.
    pub const EQUAL: u32 = 6;
    /// `(a, b)`: answers whether `a < b`.
    pub const LESS: u32 = 7;
    /// `(path)` or `(path, scope)`: answers what the file evaluates to. Capability `read`.
    pub const IMPORT: u32 = 8;
    /// `(path)`: answers the file's bytes as a string without context. Capability `read`.
    pub const READ_FILE: u32 = 9;
    /// `(path)`: answers a set from name to type. Capability `read`.
    pub const READ_DIR: u32 = 10;
    /// `(path)`: answers "regular", "directory", "symlink" or "unknown"; fails where nothing is. Capability `read`.
    pub const FILE_TYPE: u32 = 11;
    /// `(path)`: answers whether something is there. Flag 1: it must be a directory; 2: fails where what is there may not be seen. Capability `read`.
    pub const PATH_EXISTS: u32 = 12;
    /// `(v)`: coerces to an absolute path, with string contexts made real; answers a path. Capability none: nothing is read.
    pub const COERCE_TO_PATH: u32 = 13;
    /// `(name)`: answers the environment variable, "" where it is unset. Capability `env`.
    pub const GET_ENV: u32 = 14;
    /// `()`: answers the seconds since 1970. Capability `clock`.
    pub const CURRENT_TIME: u32 = 15;
    /// `()`: answers the system's name as in "x86_64-linux". Capability `system`.
    pub const CURRENT_SYSTEM: u32 = 16;
    /// `()`: answers the search path, a list of `{ path, prefix }`. Capability `env`.
    pub const SEARCH_PATH: u32 = 17;
    /// `(text)`: emits a message; flags say which kind, see [`super::emit`]. Answers null.
    pub const EMIT: u32 = 18;
    /// `(v, text)`: like [`FORCE`]; an error passing through gains the line `text`.
    pub const FORCE_WITH_CONTEXT: u32 = 19;
    /// `(path, name)`: resolves a search-path entry: answers the path that `path` (an entry's `path`, possibly
    /// a URL) stands for, or absent. Capability `read`.
    pub const RESOLVE_SEARCH_PATH: u32 = 20;
    /// `(drv attributes)`: see ABI.md; computes a derivation. Answers a set.
    pub const DERIVATION: u32 = 21;
    /// `(name, contents)`: adds a text to the store; answers its path with context. Capability `store-write`.
    pub const ADD_TEXT_TO_STORE: u32 = 22;
    /// `(path, options, filter)`: adds a path to the store; answers its path with context. Capabilities `read` and `store-write`.
    pub const ADD_PATH_TO_STORE: u32 = 23;
    /// `(path)`: answers the path as one of the store, with context. Capability `read`.
    pub const STORE_PATH: u32 = 24;
    /// `(options)`: fetches a tree, file or flake; what exactly the set says. Capability `net` unless it is locked and local.
    pub const FETCH: u32 = 25;
    /// `(text)`: evaluates Nix source text in the scope of all builtins; answers the value. For builtins that Nix can say itself.
    pub const EVAL_TEXT: u32 = 26;
    /// `(name)`: answers whether Nix's experimental feature, or the mode of evaluation, of that name is enabled. Capability none.
    pub const SETTING: u32 = 27;
    /// `(path, options)`: adds what the plugin has fetched and put at `path` to the store; flag 1: as a flat file. Answers a set.
    /// Capabilities `net` and `store-write`.
    pub const ADD_FETCHED_TO_STORE: u32 = 28;
    /// `(name, hash)`: answers the store path of what has this name and hash, if it is in the store; flag 1: as a flat file.
    /// Answers a string with context, or absent. Capability `net`.
    pub const FIND_IN_STORE: u32 = 29;
    /// `(list)`, flags [`super::coerce`]: answers the list with its elements coerced to strings, one after the other.
    pub const COERCE_ITEMS: u32 = 30;
    /// `(derivation, output)`: answers the output of a derivation, or of an output that is one, as a string with context.
    pub const OUTPUT_OF: u32 = 31;
    /// `(algorithm, path)`: answers the hash of the file in hexadecimal. Capability `read`.
    pub const HASH_FILE: u32 = 32;
    /// `(bytes)`: tells how much the builtin holds in memory of its own, until it tells otherwise or ends; that counts for the limit of
    /// memory. Fails where the limit is passed. Answers null.
    pub const HOLD: u32 = 33;
}

/// Flags of [`request::COERCE_TO_STRING`] and [`request::COERCE_ITEMS`].
pub mod coerce {
    /// Also integers, floats, bools, null and lists (`toString`).
    pub const MORE: u64 = 1;
    /// Paths are copied to the store (interpolation); without it a path becomes its text.
    pub const COPY_TO_STORE: u64 = 2;
}

/// Flags of [`request::EMIT`].
pub mod emit {
    /// `trace:`
    pub const TRACE: u64 = 0;
    /// `evaluation warning:`
    pub const WARNING: u64 = 1;
    /// `trace:`, only under `--trace-verbose`.
    pub const TRACE_VERBOSE: u64 = 2;
    /// `builtins.break`.
    pub const BREAK: u64 = 3;
    /// A line of the builtin itself, shown as it is: what takes time, and how far it is.
    pub const NOTICE: u64 = 4;
    /// `warning:`, of the builtin itself and not of the program.
    pub const CAUTION: u64 = 5;
}

/// Capabilities: what of the outside world a builtin needs.
pub mod capability {
    /// Files.
    pub const READ: u64 = 1;
    /// Environment variables and settings.
    pub const ENV: u64 = 2;
    /// The time.
    pub const CLOCK: u64 = 4;
    /// The name of the system.
    pub const SYSTEM: u64 = 8;
    /// Adding to the store.
    pub const STORE_WRITE: u64 = 16;
    /// The network.
    pub const NET: u64 = 32;
    /// Running programs.
    pub const EXEC: u64 = 64;
}

/// Kinds of errors that a builtin can fail with.
pub mod error_kind {
    /// Anything without a kind of its own.
    pub const EVAL: u32 = 0;
    /// A value of the wrong type.
    pub const TYPE: u32 = 1;
    /// `throw`: caught by `tryEval`.
    pub const THROW: u32 = 2;
    /// `abort`.
    pub const ABORT: u32 = 3;
    /// An attribute that is not there.
    pub const MISSING_ATTRIBUTE: u32 = 4;
    /// Reading a file, the environment, a store.
    pub const IO: u32 = 5;
    /// Not permitted in this mode.
    pub const FORBIDDEN: u32 = 6;
    /// A failed assertion: caught by `tryEval`.
    pub const ASSERTION: u32 = 7;
    /// A limit.
    pub const LIMIT: u32 = 8;
}

/// Synchronous functions of the host. Each is valid during a poll (`start` or `resume`) on the thread that polls; none evaluates,
/// collects or unwinds. Values they return are alive until the poll ends unless rooted.
#[repr(C)]
#[derive(StableAbi)]
pub struct HostTable {
    /// Size of this table in the host; a function beyond it is not there.
    pub struct_size: usize,
    /// ABI major of the host.
    pub abi_major: u32,
    /// ABI minor of the host.
    pub abi_minor: u32,
    /// Records an error (kind of [`error_kind`], message in UTF-8) and answers the [`tag::ERROR`] marker to return.
    pub error: unsafe extern "C" fn(vm: *mut VmContext, kind: u32, message: Bytes) -> RawValue,
    /// Records "expected a list but found an integer: 1"; `expected` is a mask of `1 << tag`.
    pub type_error:
        unsafe extern "C" fn(vm: *mut VmContext, expected: u32, found: *const RawValue) -> RawValue,
    /// Records a caught panic: message and "file:line:column" of the plugin's source.
    pub panic: unsafe extern "C" fn(vm: *mut VmContext, message: Bytes, place: Bytes) -> RawValue,
    /// The bytes of a string or path; valid while `value` stays where it is and until the poll ends.
    pub string_bytes: unsafe extern "C" fn(vm: *mut VmContext, value: *const RawValue) -> Bytes,
    /// The context id of a string; 0 is the empty context.
    pub string_context: unsafe extern "C" fn(vm: *mut VmContext, value: *const RawValue) -> u64,
    /// Makes a string.
    pub make_string:
        unsafe extern "C" fn(vm: *mut VmContext, bytes: Bytes, context: u64) -> RawValue,
    /// Makes a path from an absolute, canonical path text.
    pub make_path: unsafe extern "C" fn(vm: *mut VmContext, bytes: Bytes) -> RawValue,
    /// Union of two contexts.
    pub context_union: unsafe extern "C" fn(vm: *mut VmContext, a: u64, b: u64) -> u64,
    /// How many elements a context has.
    pub context_len: unsafe extern "C" fn(vm: *mut VmContext, context: u64) -> usize,
    /// Element `index` in sorted order, in Nix's notation: "/nix/store/p", "!out!/nix/store/d.drv", "=/nix/store/d.drv". Valid for ever.
    pub context_element:
        unsafe extern "C" fn(vm: *mut VmContext, context: u64, index: usize) -> Bytes,
    /// The context of these elements (any order, duplicates allowed).
    pub context_make:
        unsafe extern "C" fn(vm: *mut VmContext, elements: *const Bytes, count: usize) -> u64,
    /// How many elements a list has.
    pub list_len: unsafe extern "C" fn(vm: *mut VmContext, list: *const RawValue) -> usize,
    /// Copies elements `start..start + count` to `out` (borrowed: root them to keep them).
    pub list_read: unsafe extern "C" fn(
        vm: *mut VmContext,
        list: *const RawValue,
        start: usize,
        count: usize,
        out: *mut RawValue,
    ),
    /// Makes a list.
    pub make_list:
        unsafe extern "C" fn(vm: *mut VmContext, items: *const RawValue, count: usize) -> RawValue,
    /// Concatenates lists.
    pub list_concat:
        unsafe extern "C" fn(vm: *mut VmContext, lists: *const RawValue, count: usize) -> RawValue,
    /// Interns a name.
    pub intern: unsafe extern "C" fn(vm: *mut VmContext, name: Bytes) -> u32,
    /// The text of an interned name. Valid for ever.
    pub symbol_bytes: unsafe extern "C" fn(vm: *mut VmContext, name: u32) -> Bytes,
    /// How many attributes a set has.
    pub attrs_len: unsafe extern "C" fn(vm: *mut VmContext, attrs: *const RawValue) -> usize,
    /// The attribute `name`, or [`tag::ABSENT`] in its value's tag.
    pub attrs_get:
        unsafe extern "C" fn(vm: *mut VmContext, attrs: *const RawValue, name: u32) -> Attr,
    /// Copies attributes `start..start + count`, in the order of the bytes of their names, to `out`.
    pub attrs_read: unsafe extern "C" fn(
        vm: *mut VmContext,
        attrs: *const RawValue,
        start: usize,
        count: usize,
        out: *mut Attr,
    ),
    /// Makes a set; of attributes with one name the first stays.
    pub make_attrs:
        unsafe extern "C" fn(vm: *mut VmContext, attrs: *const Attr, count: usize) -> RawValue,
    /// `a // b`.
    pub attrs_update: unsafe extern "C" fn(
        vm: *mut VmContext,
        a: *const RawValue,
        b: *const RawValue,
    ) -> RawValue,
    /// A string value with the text of `name`, shared with the symbol.
    pub symbol_string: unsafe extern "C" fn(vm: *mut VmContext, name: u32) -> RawValue,
    /// A thunk that applies `f` to `args` when forced.
    pub make_apply: unsafe extern "C" fn(
        vm: *mut VmContext,
        f: *const RawValue,
        args: *const RawValue,
        count: usize,
    ) -> RawValue,
    /// The list of thunks `f e` for each element `e`.
    pub list_map: unsafe extern "C" fn(
        vm: *mut VmContext,
        f: *const RawValue,
        list: *const RawValue,
    ) -> RawValue,
    /// The list of thunks `f i` for `i` from 0 to `count - 1`.
    pub list_generate:
        unsafe extern "C" fn(vm: *mut VmContext, f: *const RawValue, count: usize) -> RawValue,
    /// The set of thunks `f "name" value`.
    pub attrs_map: unsafe extern "C" fn(
        vm: *mut VmContext,
        f: *const RawValue,
        attrs: *const RawValue,
    ) -> RawValue,
    /// The set of a lambda's formals, each with whether it has a default; empty for others.
    pub function_args: unsafe extern "C" fn(vm: *mut VmContext, f: *const RawValue) -> RawValue,
    /// `{ file, line, column }` of a position of [`Attr::pos`], or null.
    pub position: unsafe extern "C" fn(vm: *mut VmContext, pos: u32) -> RawValue,
    /// Renders an evaluated value: flags 0 as Nix prints it, 1 as XML. Answers a string with the contexts of all strings within.
    pub render:
        unsafe extern "C" fn(vm: *mut VmContext, value: *const RawValue, flags: u64) -> RawValue,
    /// What `value` is if it has been evaluated meanwhile: the same value with its tag, or [`tag::THUNK`] still.
    pub peek: unsafe extern "C" fn(vm: *mut VmContext, value: *const RawValue) -> RawValue,
    /// Whether two values are the same cell of the host: Nix's shortcut in comparisons.
    pub same:
        unsafe extern "C" fn(vm: *mut VmContext, a: *const RawValue, b: *const RawValue) -> bool,
    /// The set without the attributes of these `count` names; it need not have them.
    pub attrs_without: unsafe extern "C" fn(
        vm: *mut VmContext,
        attrs: *const RawValue,
        names: *const u32,
        count: usize,
    ) -> RawValue,
    /// The names of a set, as strings sorted by their bytes.
    pub attrs_names: unsafe extern "C" fn(vm: *mut VmContext, attrs: *const RawValue) -> RawValue,
    /// The values of a set, in the order of their names' bytes.
    pub attrs_values: unsafe extern "C" fn(vm: *mut VmContext, attrs: *const RawValue) -> RawValue,
    /// The attributes of the set `b` whose names the set `a` has, too.
    pub attrs_common: unsafe extern "C" fn(
        vm: *mut VmContext,
        a: *const RawValue,
        b: *const RawValue,
    ) -> RawValue,
    /// The interned name that a string without context is; [`NO_SYMBOL`] for one with a context, and for other values.
    pub string_symbol: unsafe extern "C" fn(vm: *mut VmContext, string: *const RawValue) -> u64,
    /// Calls `f` with these arguments, if it is a builtin that takes so many and never suspends, and all that it wants forced is:
    /// its value, or [`tag::ERROR`]. [`tag::ABSENT`] if that is not so, if its result is a thunk, or if it cannot be told; then
    /// [`request::CALL`] does it, and may call `f` again. Not from a builtin that was called so itself.
    pub call_at_once: unsafe extern "C" fn(
        vm: *mut VmContext,
        f: *const RawValue,
        args: *const RawValue,
        count: usize,
    ) -> RawValue,
    /// A set without the attributes whose names a list holds; [`tag::ABSENT`] where a member of it is not evaluated, or is no string
    /// without context.
    pub attrs_without_list: unsafe extern "C" fn(
        vm: *mut VmContext,
        attrs: *const RawValue,
        list: *const RawValue,
    ) -> RawValue,
    /// A set out of a list of evaluated sets: for each an attribute whose name is its attribute `name`, an evaluated string without
    /// context, with the value and the position of its attribute `member`. Of several with one name the first stays; [`tag::ABSENT`]
    /// where one that stays has no `member`, or where one has no such name.
    pub attrs_of_members: unsafe extern "C" fn(
        vm: *mut VmContext,
        list: *const RawValue,
        name: u32,
        member: u32,
    ) -> RawValue,
    /// The names of all sets in a list of evaluated sets, each with the thunk `f "name" values`, where `values` lists what the sets have
    /// under that name; without positions. [`tag::ABSENT`] where one of them is not evaluated, or no set.
    pub attrs_zip: unsafe extern "C" fn(
        vm: *mut VmContext,
        f: *const RawValue,
        list: *const RawValue,
    ) -> RawValue,
    /// Element `index` of a list (borrowed: root it to keep it); [`tag::ABSENT`] where the list ends before.
    pub list_item:
        unsafe extern "C" fn(vm: *mut VmContext, list: *const RawValue, index: usize) -> RawValue,
    /// The list of the elements from `start` on; [`tag::ABSENT`] where the list ends before `start`.
    pub list_from:
        unsafe extern "C" fn(vm: *mut VmContext, list: *const RawValue, start: usize) -> RawValue,
    /// `a == b`, a bool, where both are evaluated as far as that takes and it takes few looks; else [`tag::ABSENT`], and
    /// [`request::EQUAL`] tells.
    pub equal_at_once: unsafe extern "C" fn(
        vm: *mut VmContext,
        a: *const RawValue,
        b: *const RawValue,
    ) -> RawValue,
    /// Adds a step of the trace, as in "while evaluating the value of ...", to the error that `error` or `type_error` has recorded in
    /// this poll.
    pub error_step: unsafe extern "C" fn(vm: *mut VmContext, step: Bytes),
}

/// What is no interned name; see [`HostTable::string_symbol`].
pub const NO_SYMBOL: u64 = u64::MAX;

/// What a plugin sees of the VM that runs it. Owned by the host, at a stable address, used by one thread at a time.
#[repr(C)]
#[derive(StableAbi)]
pub struct VmContext {
    /// Size of this struct in the host.
    pub struct_size: usize,
    /// The host's functions.
    pub host: *const HostTable,
    /// The root slots.
    pub roots: *mut RootTable,
    /// What the plugin's `init` returned; set by the host before each poll.
    pub instance: *mut c_void,
    /// The answer to the last request; set by the host before `resume`.
    pub response: RawValue,
    /// What the frame asks for when it suspends.
    pub request: Request,
}

/// How the host prepares an argument before `start`.
pub mod arg {
    /// Passed as it is, possibly a thunk.
    pub const LAZY: u32 = 0;
    /// Forced; any type.
    pub const ANY: u32 = u32::MAX;
    /// Bit that accepts a type: `1 << tag`. A mask of them is forced and checked.
    pub const fn of(tag: u64) -> u32 {
        1 << tag
    }
}

/// An argument of a builtin.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Arg {
    /// Its name in the documentation.
    pub name: Bytes,
    /// One of [`arg`].
    pub mode: u32,
    /// Zero.
    pub reserved: u32,
    /// What traces say of it behind "while evaluating the"; empty for "first argument passed to builtins.NAME" and the like.
    pub told: Bytes,
}

/// Flags of [`Builtin`].
pub mod flag {
    /// Never suspends: `resume` and `drop` are not called, no frame is reserved.
    pub const LEAF: u32 = 1;
    /// Visible without `builtins.` (as `map` is); others are visible as `__name`.
    pub const BARE: u32 = 2;
    /// Not an attribute of `builtins`; only the host looks it up.
    pub const HIDDEN: u32 = 4;
}

/// `start(state, vm, args, count)`: begins a call in `state`, `frame_size` bytes of host memory that do not move. `args` stays as
/// it is until the call is over, and so does what it names.
pub type Start = unsafe extern "C" fn(
    state: *mut u8,
    vm: *mut VmContext,
    args: *const RawValue,
    count: usize,
) -> RawValue;
/// `resume(state, vm, response)`: goes on after a request.
pub type Resume =
    unsafe extern "C" fn(state: *mut u8, vm: *mut VmContext, response: RawValue) -> RawValue;
/// `drop(state)`: ends a suspended call whose request failed. Never after it returned something else than pending.
pub type DropState = unsafe extern "C" fn(state: *mut u8, vm: *mut VmContext);

/// Descriptor of a builtin. Lives as long as the plugin, that is, for ever.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Builtin {
    /// Its name.
    pub name: Bytes,
    /// Documentation, Markdown.
    pub doc: Bytes,
    /// A runnable example: a Nix expression.
    pub example: Bytes,
    /// What the example evaluates to, as Piton prints it.
    pub example_result: Bytes,
    /// The version of the plugin that introduced it.
    pub since: Bytes,
    /// Its arguments.
    pub args: *const Arg,
    /// How many; 0 is a constant, evaluated once.
    pub arity: u32,
    /// See [`flag`].
    pub flags: u32,
    /// See [`capability`].
    pub capabilities: u64,
    /// Size of a frame, at most [`MAX_FRAME_SIZE`].
    pub frame_size: u32,
    /// Alignment of a frame, at most 16.
    pub frame_align: u32,
    /// Begins a call.
    pub start: unsafe extern "C" fn(
        state: *mut u8,
        vm: *mut VmContext,
        args: *const RawValue,
        count: usize,
    ) -> RawValue,
    /// Goes on with one; null for a leaf.
    pub resume: Option<
        unsafe extern "C" fn(state: *mut u8, vm: *mut VmContext, response: RawValue) -> RawValue,
    >,
    /// Ends one; null for a leaf, and where nothing is to be released.
    pub drop: Option<unsafe extern "C" fn(state: *mut u8, vm: *mut VmContext)>,
    /// Tries a call without a frame, `state` being null, before `start` is called: answers the result, or [`tag::ABSENT`] where
    /// something has to be asked for. Null where it is not worth trying.
    pub quick: Option<
        unsafe extern "C" fn(
            state: *mut u8,
            vm: *mut VmContext,
            args: *const RawValue,
            count: usize,
        ) -> RawValue,
    >,
}

/// The largest frame that the host reserves.
pub const MAX_FRAME_SIZE: u32 = 64 * 1024;
/// The largest alignment of a frame.
pub const MAX_FRAME_ALIGN: u32 = 16;

// SAFETY: descriptors are immutable and point to immutable data.
unsafe impl Sync for Builtin {}
// SAFETY: as above.
unsafe impl Send for Builtin {}

/// Proof of a Rust plugin that it was compiled against these very types.
#[repr(C)]
pub struct RustProof {
    /// Version of abi_stable; the layouts are compared only where both sides have the same.
    pub abi_stable_version: Bytes,
    /// The layout of [`AbiTypes`].
    pub layout: &'static abi_stable::type_layout::TypeLayout,
}

/// Everything whose layout the two sides must agree on, for [`RustProof`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiTypes {
    context: *const VmContext,
    context_layout: [VmContext; 0],
    table_layout: [HostTable; 0],
    builtin_layout: [Builtin; 0],
    chunk_layout: [RootChunk; 0],
    attr_layout: [Attr; 0],
    arg_layout: [Arg; 0],
    slot_layout: [RootSlot; 0],
    roots_layout: [RootTable; 0],
}

/// Version of abi_stable that [`RustProof`] is of.
pub const ABI_STABLE_VERSION: &str = "0.11.3";

/// What the entry function returns.
#[repr(C)]
pub struct Plugin {
    /// [`MAGIC`]
    pub magic: u64,
    /// [`ABI_MAJOR`]
    pub abi_major: u32,
    /// [`ABI_MINOR`] that the plugin was built for.
    pub abi_minor: u32,
    /// `sizeof` of this struct, as the plugin sees it; likewise below.
    pub plugin_size: u32,
    /// `sizeof(Builtin)`
    pub builtin_size: u32,
    /// `sizeof(Arg)`
    pub arg_size: u32,
    /// `sizeof(RawValue)`
    pub value_size: u32,
    /// `sizeof(VmContext)`
    pub context_size: u32,
    /// `sizeof(HostTable)`
    pub host_table_size: u32,
    /// "x86_64-linux" and the like: architecture and system.
    pub target: Bytes,
    /// The plugin's name: lower-case letters, digits and `_`.
    pub name: Bytes,
    /// Its version.
    pub version: Bytes,
    /// Build id of a set that ships with Piton; empty for others.
    pub build_id: Bytes,
    /// "rust" or "c" or whatever it was written in.
    pub language: Bytes,
    /// The builtins: an array of `builtin_count`, `builtin_size` apart.
    pub builtins: *const Builtin,
    /// How many.
    pub builtin_count: usize,
    /// Makes the state of one VM; may be null.
    pub init: Option<unsafe extern "C" fn(vm: *mut VmContext) -> *mut c_void>,
    /// Ends it.
    pub fini: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// The proof of a Rust plugin; null in others.
    pub rust_proof: Option<extern "C" fn() -> RustProof>,
}

// SAFETY: immutable, and points to immutable data.
unsafe impl Sync for Plugin {}

/// The entry function, exported as `piton_plugin_v1_NAME`.
pub type Entry = unsafe extern "C" fn() -> *const Plugin;
/// What the name of the entry symbol begins with.
pub const ENTRY_PREFIX: &str = "piton_plugin_v1_";
/// Name of the ELF section that holds the manifest, JSON text readable without running code.
pub const MANIFEST_SECTION: &str = ".piton_manifest";

/// Architecture and system that this was compiled for, as in [`Plugin::target`].
pub const TARGET: &str = if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
    "x86_64-linux"
} else if cfg!(all(target_arch = "aarch64", target_os = "linux")) {
    "aarch64-linux"
} else if cfg!(all(target_arch = "x86_64", target_os = "macos")) {
    "x86_64-darwin"
} else if cfg!(all(target_arch = "aarch64", target_os = "macos")) {
    "aarch64-darwin"
} else {
    "unknown"
};

impl Bytes {
    /// The bytes of a string that lives for ever.
    pub const fn from_str(text: &'static str) -> Self {
        Bytes {
            ptr: text.as_ptr(),
            len: text.len(),
        }
    }

    /// A borrowed view; the caller sees to it that `bytes` outlives its use.
    pub const fn borrow(bytes: &[u8]) -> Self {
        Bytes {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// They must be alive for `'a`.
    pub const unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the caller's contract.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl RawValue {
    /// A marker or an immediate.
    pub const fn new(tag: u64, payload: u64) -> Self {
        RawValue { head: tag, payload }
    }

    /// The tag, one of [`tag`].
    pub const fn tag(self) -> u64 {
        self.head & 0xff
    }
}
