//! The functions of [`HostTable`]: what a plugin may ask while it runs. None of them evaluates or collects.

use super::raw::{from_raw, to_raw};
use super::table_sets::{
    attrs_common, attrs_get, attrs_len, attrs_map, attrs_names, attrs_of_members, attrs_read,
    attrs_update, attrs_values, attrs_without, attrs_without_list, attrs_zip, make_attrs,
};
use crate::error::{Error, ErrorKind};
use crate::heap::{MAX_STRING, Value, ValueType, copy_values};
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::vm::{Vm, indefinite_type};
use piton_plugin_api::abi::{
    ABI_MAJOR, ABI_MINOR, Bytes, HostTable, NO_SYMBOL, RawValue, Request, RootTable, VmContext,
    error_kind, tag,
};
use smallvec::SmallVec;
use std::ffi::c_void;

/// The context that plugins see, and behind it the VM.
#[repr(C)]
pub(super) struct HostContext {
    pub(super) context: VmContext,
    vm: *mut Vm,
}

/// What a poll finds again after another one within it.
pub(super) struct Left {
    vm: *mut Vm,
    instance: *mut c_void,
    request: u32,
}

impl HostContext {
    /// What the poll that runs has to find again.
    pub(super) fn left(&self) -> Left {
        Left {
            vm: self.vm,
            instance: self.context.instance,
            request: self.context.request.number,
        }
    }

    /// Goes back to the poll that was left.
    pub(super) fn go_back(&mut self, left: Left) {
        self.vm = left.vm;
        self.context.instance = left.instance;
        self.context.request.number = left.request;
    }

    pub(super) fn new(roots: &mut RootTable) -> Box<Self> {
        let null = RawValue::new(tag::NULL, 0);
        Box::new(HostContext {
            context: VmContext {
                struct_size: size_of::<VmContext>(),
                host: &TABLE,
                roots,
                instance: std::ptr::null_mut(),
                response: null,
                request: Request {
                    number: 0,
                    argc: 0,
                    flags: 0,
                    args: [null; 6],
                },
            },
            vm: std::ptr::null_mut(),
        })
    }

    /// The context for a poll that begins now.
    #[inline(always)]
    pub(super) fn enter(vm: &mut Vm) -> *mut VmContext {
        let this: *mut Vm = vm;
        let context: *mut HostContext = &mut *vm.host.context;
        // SAFETY: the box is the host's; the VM lends itself to the plugin until the poll ends and does not touch itself meanwhile.
        unsafe {
            (*context).vm = this;
            (*context).context.request.number = 0;
            &raw mut (*context).context
        }
    }
}

/// The VM behind a context.
///
/// # Safety
/// `context` is what a running poll was given.
#[inline(always)]
pub(super) unsafe fn vm<'a>(context: *mut VmContext) -> &'a mut Vm {
    // SAFETY: the context is the first field of a `HostContext`, and during a poll the VM is lent to the plugin.
    unsafe { &mut *(*context.cast::<HostContext>()).vm }
}

static TABLE: HostTable = HostTable {
    struct_size: size_of::<HostTable>(),
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    error,
    type_error,
    panic,
    string_bytes,
    string_context,
    make_string,
    make_path,
    context_union,
    context_len,
    context_element,
    context_make,
    list_len,
    list_read,
    make_list,
    list_concat,
    intern,
    symbol_bytes,
    attrs_len,
    attrs_get,
    attrs_read,
    make_attrs,
    attrs_update,
    symbol_string,
    make_apply,
    list_map,
    list_generate,
    attrs_map,
    function_args,
    position,
    render,
    peek,
    same,
    attrs_without,
    attrs_names,
    attrs_values,
    attrs_common,
    string_symbol,
    call_at_once,
    attrs_without_list,
    attrs_of_members,
    attrs_zip,
    list_item,
    list_from,
    equal_at_once,
    error_step,
};

/// The value of an argument of a table function. A tag that no value has reads as null, so that a faulty plugin gets a type error.
#[inline(always)]
pub(super) unsafe fn value(vm: &mut Vm, raw: *const RawValue) -> Value {
    // SAFETY: the plugin passes a pointer to a value.
    from_raw(&mut vm.heap, unsafe { *raw }).unwrap_or(Value::NULL)
}

/// The VM behind a context, and the values of arguments of a table function.
///
/// # Safety
/// As of [`vm`] and [`value`].
#[inline(always)]
pub(super) unsafe fn values<'a, const N: usize>(
    context: *mut VmContext,
    raw: [*const RawValue; N],
) -> (&'a mut Vm, [Value; N]) {
    // SAFETY: the caller's promise.
    unsafe {
        let vm = vm(context);
        // By a loop: `map` of an array is a call.
        let mut values = [Value::NULL; N];
        for (to, raw) in values.iter_mut().zip(raw) {
            *to = value(vm, raw);
        }
        (vm, values)
    }
}

/// Whether `count` items of so many words can be made.
pub(super) fn has_room_for(vm: &mut Vm, count: usize, words: usize) -> bool {
    count <= u32::MAX as usize && vm.has_room(count.saturating_mul(8 * words))
}

/// What a function answers that cannot make what it is asked for: null, and the evaluation fails at its next safepoint.
#[cold]
pub(super) fn no_room(vm: &mut Vm) -> RawValue {
    vm.heap.exhaust();
    RawValue::new(tag::NULL, 0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

unsafe extern "C" fn error(context: *mut VmContext, kind: u32, message: Bytes) -> RawValue {
    // SAFETY: called during a poll with a live view; the same holds for every function below.
    let (vm, message) = unsafe { (vm(context), message.as_slice()) };
    let kind = match kind {
        error_kind::TYPE => ErrorKind::Type,
        error_kind::THROW => ErrorKind::Throw,
        error_kind::ABORT => ErrorKind::Abort,
        error_kind::MISSING_ATTRIBUTE => ErrorKind::MissingAttribute,
        error_kind::IO => ErrorKind::Io,
        error_kind::FORBIDDEN => ErrorKind::Forbidden,
        error_kind::ASSERTION => ErrorKind::Assertion,
        error_kind::LIMIT => ErrorKind::Limit,
        _ => ErrorKind::Eval,
    };
    vm.host.error = Some(Error::new(kind, text(message)));
    RawValue::new(tag::ERROR, 0)
}

/// "a list", "an integer or a float"
pub(super) fn expected_types(mask: u32) -> String {
    const TYPES: [(u64, ValueType); 9] = [
        (tag::NULL, ValueType::Null),
        (tag::BOOL, ValueType::Bool),
        (tag::INT, ValueType::Int),
        (tag::FLOAT, ValueType::Float),
        (tag::STRING, ValueType::String),
        (tag::PATH, ValueType::Path),
        (tag::LIST, ValueType::List),
        (tag::ATTRS, ValueType::Attrs),
        (tag::FUNCTION, ValueType::Function),
    ];
    // Sets that can be called count as functions, and messages do not mention them.
    let callable = 1 << tag::FUNCTION | 1 << tag::ATTRS;
    let mask = if u64::from(mask) == callable {
        1 << tag::FUNCTION
    } else {
        mask
    };
    let names: Vec<&str> = TYPES
        .iter()
        .filter(|(tag, _)| mask & 1 << tag != 0)
        .map(|(_, kind)| indefinite_type(*kind))
        .collect();
    names.join(" or ")
}

unsafe extern "C" fn type_error(
    context: *mut VmContext,
    expected: u32,
    found: *const RawValue,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, found) = unsafe {
        let vm = vm(context);
        let found = value(vm, found);
        (vm, found)
    };
    vm.host.error = Some(vm.type_mismatch(expected, found));
    RawValue::new(tag::ERROR, 0)
}

unsafe extern "C" fn error_step(context: *mut VmContext, step: Bytes) {
    // SAFETY: see `error`.
    let (vm, step) = unsafe { (vm(context), step.as_slice()) };
    if let Some(error) = &mut vm.host.error {
        error.trace(Pos::NONE, text(step));
    }
}

unsafe extern "C" fn panic(context: *mut VmContext, message: Bytes, place: Bytes) -> RawValue {
    // SAFETY: see `error`.
    let (vm, message, place) = unsafe { (vm(context), message.as_slice(), place.as_slice()) };
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" ({})", text(place))
    };
    vm.host.error = Some(Error::new(
        ErrorKind::Plugin,
        format!("panicked: {}{place}", text(message)),
    ));
    RawValue::new(tag::PANIC, 0)
}

unsafe extern "C" fn string_bytes(_: *mut VmContext, raw: *const RawValue) -> Bytes {
    // SAFETY: the plugin passes a pointer to a value. A short string is viewed in the payload word itself, where the plugin
    // keeps it.
    unsafe {
        let payload = (&raw const (*raw).payload).cast::<Value>();
        match (*raw).tag() {
            tag::STRING => Bytes::borrow((*payload).as_string().unwrap_or_default()),
            tag::PATH => Bytes::borrow((*payload).as_path().unwrap_or_default()),
            _ => Bytes {
                ptr: std::ptr::null(),
                len: 0,
            },
        }
    }
}

unsafe extern "C" fn string_context(context: *mut VmContext, raw: *const RawValue) -> u64 {
    // SAFETY: see `error`.
    unsafe { u64::from(value(vm(context), raw).context()) }
}

unsafe extern "C" fn make_string(
    context: *mut VmContext,
    bytes: Bytes,
    string_context: u64,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, bytes) = unsafe { (vm(context), bytes.as_slice()) };
    if bytes.len() > MAX_STRING || !vm.has_room(bytes.len()) {
        return no_room(vm);
    }
    to_raw(vm.heap.string(bytes, string_context as u32))
}

unsafe extern "C" fn make_path(context: *mut VmContext, bytes: Bytes) -> RawValue {
    // SAFETY: see `error`.
    let (vm, bytes) = unsafe { (vm(context), bytes.as_slice()) };
    to_raw(vm.heap.path(&crate::path::canonical(bytes)))
}

unsafe extern "C" fn context_union(context: *mut VmContext, a: u64, b: u64) -> u64 {
    // SAFETY: see `error`.
    u64::from(unsafe { vm(context) }.contexts.union(a as u32, b as u32))
}

unsafe extern "C" fn context_len(context: *mut VmContext, id: u64) -> usize {
    // SAFETY: see `error`.
    unsafe { vm(context) }.contexts.elements(id as u32).len()
}

unsafe extern "C" fn context_element(context: *mut VmContext, id: u64, index: usize) -> Bytes {
    // SAFETY: see `error`.
    Bytes::borrow(
        unsafe { vm(context) }
            .contexts
            .elements(id as u32)
            .get(index)
            .copied()
            .unwrap_or_default(),
    )
}

unsafe extern "C" fn context_make(
    context: *mut VmContext,
    elements: *const Bytes,
    count: usize,
) -> u64 {
    // SAFETY: see `error`; the plugin passes `count` views.
    unsafe {
        let elements = slice(elements, count);
        u64::from(
            vm(context)
                .contexts
                .make(elements.iter().map(|element| element.as_slice())),
        )
    }
}

/// A view of what a plugin passes as pointer and count.
pub(super) unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the plugin's contract.
    unsafe { std::slice::from_raw_parts(first, count) }
}

unsafe extern "C" fn list_len(context: *mut VmContext, raw: *const RawValue) -> usize {
    // SAFETY: see `error`.
    unsafe { value(vm(context), raw) }
        .as_list()
        .map_or(0, |list| list.len())
}

unsafe extern "C" fn list_read(
    context: *mut VmContext,
    raw: *const RawValue,
    start: usize,
    count: usize,
    out: *mut RawValue,
) {
    // SAFETY: see `error`; `out` has room for `count` values. Elements beyond the end read as null.
    unsafe {
        let items = value(vm(context), raw)
            .as_list()
            .map(|list| list.items())
            .unwrap_or_default();
        let present = items.get(start..).unwrap_or_default();
        let present = &present[..count.min(present.len())];
        for (index, item) in present.iter().enumerate() {
            out.add(index).write(to_raw(*item));
        }
        for index in present.len()..count {
            out.add(index).write(to_raw(Value::NULL));
        }
    }
}

unsafe extern "C" fn list_item(
    context: *mut VmContext,
    raw: *const RawValue,
    index: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let list = unsafe { value(vm(context), raw) }.as_list();
    match list.and_then(|list| list.items().get(index)) {
        Some(item) => to_raw(*item),
        None => RawValue::new(tag::ABSENT, 0),
    }
}

unsafe extern "C" fn list_from(
    context: *mut VmContext,
    raw: *const RawValue,
    start: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [list]) = unsafe { values(context, [raw]) };
    let Some(rest) = list.as_list().and_then(|list| list.items().get(start..)) else {
        return RawValue::new(tag::ABSENT, 0);
    };
    if !has_room_for(vm, rest.len(), 1) {
        return no_room(vm);
    }
    to_raw(vm.heap.list_of(rest).value())
}

unsafe extern "C" fn equal_at_once(
    context: *mut VmContext,
    a: *const RawValue,
    b: *const RawValue,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [a, b]) = unsafe { values(context, [a, b]) };
    match vm.equal_at_once(a, b, true) {
        Some(equal) => to_raw(Value::bool(equal)),
        None => RawValue::new(tag::ABSENT, 0),
    }
}

unsafe extern "C" fn make_list(
    context: *mut VmContext,
    items: *const RawValue,
    count: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let vm = unsafe { vm(context) };
    let list = vm.heap.list(count);
    for index in 0..count {
        // SAFETY: the plugin passes `count` values; nothing collects while the list is filled.
        list.items_mut()[index] = unsafe { value(vm, items.add(index)) };
    }
    to_raw(list.value())
}

unsafe extern "C" fn list_concat(
    context: *mut VmContext,
    lists: *const RawValue,
    count: usize,
) -> RawValue {
    // SAFETY: see `make_list`.
    let vm = unsafe { vm(context) };
    let mut len = 0usize;
    for index in 0..count {
        // SAFETY: see `make_list`.
        let list = unsafe { value(vm, lists.add(index)) };
        len = len.saturating_add(list.as_list().map_or(0, |list| list.len()));
    }
    if !has_room_for(vm, len, 1) {
        return no_room(vm);
    }
    let all = vm.heap.list(len);
    let mut rest = all.items_mut();
    for index in 0..count {
        // SAFETY: see `make_list`.
        let list = unsafe { value(vm, lists.add(index)) };
        let items = list.as_list().map(|list| list.items()).unwrap_or_default();
        let (now, behind) = rest.split_at_mut(items.len());
        copy_values(items, now);
        rest = behind;
    }
    to_raw(all.value())
}

unsafe extern "C" fn intern(context: *mut VmContext, name: Bytes) -> u32 {
    // SAFETY: see `error`.
    unsafe { vm(context).interner.intern(name.as_slice()).0 }
}

unsafe extern "C" fn string_symbol(context: *mut VmContext, string: *const RawValue) -> u64 {
    // SAFETY: see `error`.
    let (vm, [string]) = unsafe { values(context, [string]) };
    let symbol = vm.string_symbol(string);
    symbol.map_or(NO_SYMBOL, |symbol| symbol.0.into())
}

unsafe extern "C" fn call_at_once(
    context: *mut VmContext,
    f: *const RawValue,
    args: *const RawValue,
    count: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let vm = unsafe { vm(context) };
    // SAFETY: see `error`; the plugin passes so many values.
    let (f, args) = unsafe { (value(vm, f), slice(args, count)) };
    vm.answer_at_once(f, args)
}

unsafe extern "C" fn symbol_bytes(context: *mut VmContext, name: u32) -> Bytes {
    // SAFETY: see `error`.
    Bytes::borrow(unsafe { vm(context) }.interner.name(Symbol(name)))
}

unsafe extern "C" fn symbol_string(context: *mut VmContext, name: u32) -> RawValue {
    // SAFETY: see `error`.
    let vm = unsafe { vm(context) };
    to_raw(vm.name_value(Symbol(name)))
}

unsafe extern "C" fn make_apply(
    context: *mut VmContext,
    f: *const RawValue,
    args: *const RawValue,
    count: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let vm = unsafe { vm(context) };
    // SAFETY: the plugin passes `count` values.
    let args: SmallVec<[Value; 4]> = (0..count)
        .map(|index| unsafe { value(vm, args.add(index)) })
        .collect();
    // SAFETY: see `error`.
    let f = unsafe { value(vm, f) };
    to_raw(vm.heap.apply_thunk(f, &args).as_value())
}

unsafe extern "C" fn list_map(
    context: *mut VmContext,
    f: *const RawValue,
    list: *const RawValue,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [f, list]) = unsafe { values(context, [f, list]) };
    let items = list.as_list().map(|list| list.items()).unwrap_or_default();
    let out = vm.heap.list(items.len());
    for (slot, item) in out.items_mut().iter_mut().zip(items) {
        *slot = vm.heap.apply_thunk(f, &[*item]).as_value();
    }
    to_raw(out.value())
}

unsafe extern "C" fn list_generate(
    context: *mut VmContext,
    f: *const RawValue,
    count: usize,
) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [f]) = unsafe { values(context, [f]) };
    // An item is a thunk of a header, a function and an argument.
    if !has_room_for(vm, count, 4) {
        return no_room(vm);
    }
    let out = vm.heap.list(count);
    for (index, slot) in out.items_mut().iter_mut().enumerate() {
        let number = vm.heap.int(index as i64);
        *slot = vm.heap.apply_thunk(f, &[number]).as_value();
    }
    to_raw(out.value())
}

unsafe extern "C" fn function_args(context: *mut VmContext, f: *const RawValue) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [f]) = unsafe { values(context, [f]) };
    let mut entries = match vm.next_formals(f) {
        Some(spec) => spec
            .formals
            .iter()
            .map(|formal| (formal.name, formal.pos, Value::bool(formal.has_default)))
            .collect(),
        None => Vec::new(),
    };
    to_raw(vm.heap.attrs_from(&mut entries).value())
}

unsafe extern "C" fn position(context: *mut VmContext, pos: u32) -> RawValue {
    // SAFETY: see `error`.
    to_raw(unsafe { vm(context) }.position_value(Pos(pos)))
}

unsafe extern "C" fn render(context: *mut VmContext, raw: *const RawValue, flags: u64) -> RawValue {
    // SAFETY: see `error`.
    let (vm, [value]) = unsafe { values(context, [raw]) };
    let (bytes, string_context) = if flags == 1 {
        crate::print::xml_with_context(vm, value)
    } else {
        (
            crate::print::print_value(vm, value, crate::print::PrintLimits::NONE),
            0,
        )
    };
    to_raw(vm.heap.string(&bytes, string_context))
}

unsafe extern "C" fn peek(context: *mut VmContext, raw: *const RawValue) -> RawValue {
    // SAFETY: see `error`.
    to_raw(unsafe { value(vm(context), raw) })
}

unsafe extern "C" fn same(context: *mut VmContext, a: *const RawValue, b: *const RawValue) -> bool {
    // SAFETY: see `error`.
    let (_, [a, b]) = unsafe { values(context, [a, b]) };
    a == b
}
