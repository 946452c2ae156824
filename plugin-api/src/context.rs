//! [`Cx`]: what a builtin can ask of its host, at once or by suspending.

use crate::abi::{
    Attr, Bytes, HostTable, NO_SYMBOL, RawValue, VmContext, coerce, error_kind, request, tag,
};
use crate::value::{Type, Value};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The builtin failed. The error itself is recorded in the host, by the function of [`Cx`] that made this.
#[derive(Debug)]
pub struct Error {
    marker: RawValue,
}

/// What a builtin returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn release(self) -> RawValue {
        self.marker
    }
}

/// Kinds of errors a builtin can fail with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ErrorKind {
    /// Anything without a kind of its own.
    Eval = error_kind::EVAL,
    /// A value of the wrong type.
    Type = error_kind::TYPE,
    /// `throw`: caught by `tryEval`.
    Throw = error_kind::THROW,
    /// `abort`.
    Abort = error_kind::ABORT,
    /// An attribute that is not there.
    MissingAttribute = error_kind::MISSING_ATTRIBUTE,
    /// Reading a file, the environment, a store.
    Io = error_kind::IO,
    /// Not permitted in this mode.
    Forbidden = error_kind::FORBIDDEN,
    /// A failed assertion: caught by `tryEval`.
    Assertion = error_kind::ASSERTION,
    /// A limit.
    Limit = error_kind::LIMIT,
}

/// An interned name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct Symbol(pub u32);

/// A string context, interned in the host: equal ids are equal sets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StringContext(pub u64);

impl StringContext {
    /// The empty context.
    pub const EMPTY: StringContext = StringContext(0);

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// An attribute with its position, as [`Attr`] lays it out.
#[derive(Debug)]
#[repr(C)]
pub struct Attribute<'f> {
    /// Its name.
    pub name: Symbol,
    /// Its source position, 0 for none.
    pub pos: u32,
    /// Its value, possibly a thunk.
    pub value: Value<'f>,
}

impl<'f> Attribute<'f> {
    /// An attribute without a source position.
    pub fn new(name: Symbol, value: Value<'f>) -> Self {
        Attribute {
            name,
            pos: 0,
            value,
        }
    }
}

/// The host, for the time of one call of a builtin.
#[derive(Clone, Copy)]
pub struct Cx<'f> {
    vm: *mut VmContext,
    call: PhantomData<&'f mut &'f ()>,
}

/// How many elements are copied from the host at a time.
const BATCH: usize = 32;

macro_rules! host {
    ($self:ident . $function:ident ( $($argument:expr),* )) => {{
        // SAFETY: the context and its table are valid while the call runs; pointers passed live until the call returns.
        unsafe { ((*$self.host()).$function)($self.vm $(, $argument)*) }
    }};
}

/// The two digits of each number below 100.
static PAIRS: [u8; 200] = {
    let mut pairs = [b'0'; 200];
    let mut number = 0;
    while number < 100 {
        pairs[2 * number] += (number / 10) as u8;
        pairs[2 * number + 1] += (number % 10) as u8;
        number += 1;
    }
    pairs
};

/// How many a [`ListCursor`] copies at a time: they are part of the frame of the builtin that holds it.
const CURSOR_BATCH: usize = 8;

/// See [`Cx::list_cursor`].
pub struct ListCursor<'f, 'v> {
    cx: Cx<'f>,
    list: &'v Value<'f>,
    len: usize,
    next: usize,
    batch: [RawValue; CURSOR_BATCH],
}

impl<'f> ListCursor<'f, '_> {
    /// The next element. A clone of it has a root of its own and may be kept.
    #[inline(always)]
    #[allow(clippy::should_implement_trait)] // elements of an iterator could outlive the list
    pub fn next(&mut self) -> Option<impl std::ops::Deref<Target = Value<'f>> + use<'f>> {
        if self.next == self.len {
            return None;
        }
        let at = self.next % CURSOR_BATCH;
        if at == 0 {
            self.fill();
        }
        self.next += 1;
        // SAFETY: the list, which outlives the cursor, is immutable and holds the element.
        Some(unsafe { Value::borrow(self.batch[at], self.list) })
    }

    #[inline(never)]
    fn fill(&mut self) {
        let (cx, count) = (self.cx, CURSOR_BATCH.min(self.len - self.next));
        let batch = self.batch.as_mut_ptr();
        host!(cx.list_read(self.list.raw(), self.next, count, batch));
    }
}

/// Records an error of [`Cx::type_error`]. Out of line and of an ABI that cannot unwind: a body that fails in no other way
/// needs no landing pad, and its way without errors saves no register.
#[cold]
#[inline(never)]
extern "C" fn wrong_type(vm: *mut VmContext, expected: u32, found: &RawValue) -> RawValue {
    // SAFETY: the context and its table are valid while the call of the builtin runs.
    unsafe { ((*(*vm).host).type_error)(vm, expected, found) }
}

impl<'f> Cx<'f> {
    /// The view of the host that a poll begins with.
    ///
    /// # Safety
    /// `vm` is the context that the host passed to `start`, and `'f` ends with the call.
    #[inline(always)]
    pub unsafe fn new(vm: *mut VmContext) -> Self {
        Cx {
            vm,
            call: PhantomData,
        }
    }

    #[inline(always)]
    fn host(self) -> *const HostTable {
        // SAFETY: the host keeps the context valid while the call runs.
        unsafe { (*self.vm).host }
    }

    #[inline(always)]
    fn adopt(self, raw: RawValue) -> Value<'f> {
        // SAFETY: `raw` comes from a function of the host's table, which returns values alive.
        unsafe { Value::adopt(raw, self.vm) }
    }

    /// The state that the plugin's `state` made for this VM.
    ///
    /// # Safety
    /// `T` is the type that the plugin's `state` function returns.
    pub unsafe fn state<T>(self) -> &'f T {
        // SAFETY: the host sets `instance` to what `init` returned, which lives as long as the VM.
        let state = unsafe { (*self.vm).instance.cast::<T>().as_ref() };
        state.expect("the plugin's `state` function panicked, or there is none")
    }

    // --- errors

    /// Records an error, to be returned at once.
    #[cold]
    pub fn error(self, kind: ErrorKind, message: impl AsRef<str>) -> Error {
        let bytes = Bytes::borrow(message.as_ref().as_bytes());
        Error {
            marker: host!(self.error(kind as u32, bytes)),
        }
    }

    /// Records an error without a kind of its own.
    #[cold]
    pub fn fail(self, message: impl AsRef<str>) -> Error {
        self.error(ErrorKind::Eval, message)
    }

    /// Records an error whose message may hold any bytes (`throw` of a string that is not UTF-8).
    #[cold]
    pub fn error_bytes(self, kind: ErrorKind, message: &[u8]) -> Error {
        Error {
            marker: host!(self.error(kind as u32, Bytes::borrow(message))),
        }
    }

    /// Records "expected a list but found an integer: 1".
    #[inline(always)]
    pub fn type_error(self, expected: &[Type], found: &Value<'f>) -> Error {
        let mask = expected
            .iter()
            .fold(0, |mask, kind| mask | 1 << type_tag(*kind));
        Error {
            marker: wrong_type(self.vm, mask, found.raw()),
        }
    }

    // --- scalars, with the host's type errors

    /// The integer that `value` is.
    #[inline]
    pub fn int(self, value: &Value<'f>) -> Result<i64> {
        value
            .as_int()
            .ok_or_else(|| self.type_error(&[Type::Int], value))
    }

    /// The bool that `value` is.
    #[inline]
    pub fn bool(self, value: &Value<'f>) -> Result<bool> {
        value
            .as_bool()
            .ok_or_else(|| self.type_error(&[Type::Bool], value))
    }

    /// The number that `value` is, as a float.
    pub fn number(self, value: &Value<'f>) -> Result<f64> {
        match value.kind() {
            Type::Int => Ok(value.as_int().unwrap_or_default() as f64),
            Type::Float => Ok(value.as_float().unwrap_or_default()),
            _ => Err(self.type_error(&[Type::Float], value)),
        }
    }

    // --- strings and paths

    /// The bytes of a string or a path.
    #[inline]
    pub fn bytes<'v>(self, value: &'v Value<'f>) -> Result<&'v [u8]> {
        match value.kind() {
            Type::String | Type::Path => {
                let bytes = host!(self.string_bytes(value.raw()));
                // SAFETY: the view is valid while the value stays where it is, which `'v` says; strings are immutable and the
                // value roots them.
                Ok(unsafe { bytes.as_slice() })
            }
            _ => Err(self.type_error(&[Type::String], value)),
        }
    }

    /// The context of a string; empty for other values.
    #[inline]
    pub fn context(self, value: &Value<'f>) -> StringContext {
        match value.kind() {
            Type::String => StringContext(host!(self.string_context(value.raw()))),
            _ => StringContext::EMPTY,
        }
    }

    /// A string without context.
    #[inline]
    pub fn string(self, bytes: impl AsRef<[u8]>) -> Value<'f> {
        self.string_with(bytes, StringContext::EMPTY)
    }

    /// A string with a context.
    #[inline]
    pub fn string_with(self, bytes: impl AsRef<[u8]>, context: StringContext) -> Value<'f> {
        let raw = host!(self.make_string(Bytes::borrow(bytes.as_ref()), context.0));
        self.adopt(raw)
    }

    /// A path; `bytes` must be absolute and canonical.
    pub fn path(self, bytes: impl AsRef<[u8]>) -> Value<'f> {
        let raw = host!(self.make_path(Bytes::borrow(bytes.as_ref())));
        self.adopt(raw)
    }

    /// Union of contexts.
    #[inline]
    pub fn context_union(self, a: StringContext, b: StringContext) -> StringContext {
        if a == b || b.is_empty() {
            return a;
        }
        if a.is_empty() {
            return b;
        }
        StringContext(host!(self.context_union(a.0, b.0)))
    }

    /// The elements of a context, sorted, in Nix's notation.
    pub fn context_elements(self, context: StringContext) -> Vec<&'f [u8]> {
        let count = host!(self.context_len(context.0));
        (0..count)
            .map(|index| {
                let bytes = host!(self.context_element(context.0, index));
                // SAFETY: elements of contexts live as long as the VM.
                unsafe { bytes.as_slice() }
            })
            .collect()
    }

    /// The context of `elements`, given in Nix's notation.
    pub fn context_of(self, elements: &[&[u8]]) -> StringContext {
        let views: Vec<Bytes> = elements
            .iter()
            .map(|element| Bytes::borrow(element))
            .collect();
        StringContext(host!(self.context_make(views.as_ptr(), views.len())))
    }

    // --- names

    /// Interns a name.
    #[inline]
    pub fn symbol(self, name: impl AsRef<[u8]>) -> Symbol {
        Symbol(host!(self.intern(Bytes::borrow(name.as_ref()))))
    }

    /// The name that a string without context is; nothing for one with a context, and for other values.
    #[inline]
    pub fn string_symbol(self, string: &Value<'f>) -> Option<Symbol> {
        match host!(self.string_symbol(string.raw())) {
            NO_SYMBOL => None,
            symbol => Some(Symbol(symbol as u32)),
        }
    }

    /// The text of a name.
    #[inline]
    pub fn name(self, symbol: Symbol) -> &'f [u8] {
        let bytes = host!(self.symbol_bytes(symbol.0));
        // SAFETY: names live as long as the VM.
        unsafe { bytes.as_slice() }
    }

    /// The text of a name as a string value.
    pub fn name_string(self, symbol: Symbol) -> Value<'f> {
        let raw = host!(self.symbol_string(symbol.0));
        self.adopt(raw)
    }

    // --- lists

    /// How many elements the list has.
    #[inline]
    pub fn list_len(self, list: &Value<'f>) -> Result<usize> {
        self.expect(list, Type::List)?;
        Ok(host!(self.list_len(list.raw())))
    }

    /// Element `index`, which must be below the length.
    #[inline]
    pub fn list_get(self, list: &Value<'f>, index: usize) -> Value<'f> {
        let mut raw = RawValue::new(tag::NULL, 0);
        host!(self.list_read(list.raw(), index, 1, &raw mut raw));
        self.adopt(raw)
    }

    /// All elements.
    pub fn list_items(self, list: &Value<'f>) -> Result<Vec<Value<'f>>> {
        let len = self.list_len(list)?;
        let mut items = Vec::with_capacity(len);
        self.list_each(list, |value| {
            // SAFETY: the element is alive: the list, which is rooted, holds it.
            items.push(unsafe { Value::adopt(*value.raw(), self.vm) });
            Ok(())
        })?;
        Ok(items)
    }

    /// Looks at each element in turn, without rooting it: the fast way for what does not suspend. A clone of the element has
    /// a root of its own and may be kept.
    pub fn list_each(
        self,
        list: &Value<'f>,
        mut look: impl FnMut(&Value<'f>) -> Result<()>,
    ) -> Result<()> {
        let len = self.list_len(list)?;
        // Elements borrow this root, so that their clones know where to get one; see `Value::borrow`.
        let anchor = self.adopt(RawValue {
            head: list.raw().head & 0xffff,
            payload: list.raw().payload,
        });
        let mut batch = [RawValue::new(tag::NULL, 0); BATCH];
        let mut start = 0;
        while start < len {
            let count = BATCH.min(len - start);
            host!(self.list_read(list.raw(), start, count, batch.as_mut_ptr()));
            for raw in &batch[..count] {
                // SAFETY: the list holds the element, and nothing suspends while `look` borrows it.
                let element = unsafe { Value::borrow(*raw, &anchor) };
                look(&element)?;
            }
            start += count;
        }
        Ok(())
    }

    /// The elements one after another, for a loop that suspends. None of them has a root of its own: the list holds them.
    pub fn list_cursor<'v>(self, list: &'v Value<'f>) -> Result<ListCursor<'f, 'v>> {
        Ok(ListCursor {
            cx: self,
            list,
            len: self.list_len(list)?,
            next: 0,
            batch: [RawValue::new(tag::NULL, 0); CURSOR_BATCH],
        })
    }

    /// A list of these values.
    #[inline]
    pub fn list(self, items: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.make_list(items.as_ptr().cast(), items.len()));
        self.adopt(raw)
    }

    /// The concatenation of lists.
    pub fn list_concat(self, lists: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.list_concat(lists.as_ptr().cast(), lists.len()));
        self.adopt(raw)
    }

    /// The list of thunks `f e`.
    #[inline]
    pub fn list_map(self, f: &Value<'f>, list: &Value<'f>) -> Value<'f> {
        let raw = host!(self.list_map(f.raw(), list.raw()));
        self.adopt(raw)
    }

    /// The list of thunks `f i`, `i` from 0 to `count - 1`.
    #[inline]
    pub fn list_generate(self, f: &Value<'f>, count: usize) -> Value<'f> {
        let raw = host!(self.list_generate(f.raw(), count));
        self.adopt(raw)
    }

    // --- sets

    /// How many attributes the set has.
    #[inline]
    pub fn attrs_len(self, attrs: &Value<'f>) -> Result<usize> {
        self.expect(attrs, Type::Attrs)?;
        Ok(host!(self.attrs_len(attrs.raw())))
    }

    /// The attribute `name`, if it is there.
    #[inline]
    pub fn attrs_get(self, attrs: &Value<'f>, name: Symbol) -> Option<Value<'f>> {
        self.attribute(attrs, name).map(|attribute| attribute.value)
    }

    /// The attribute `name` with its position, if it is there.
    #[inline]
    pub fn attribute(self, attrs: &Value<'f>, name: Symbol) -> Option<Attribute<'f>> {
        if attrs.kind() != Type::Attrs {
            return None;
        }
        let attr = host!(self.attrs_get(attrs.raw(), name.0));
        (attr.value.tag() != tag::ABSENT).then(|| self.attribute_of(attr))
    }

    /// All attributes, sorted by the bytes of their names.
    pub fn attrs_items(self, attrs: &Value<'f>) -> Result<Vec<Attribute<'f>>> {
        let len = self.attrs_len(attrs)?;
        let none = Attr {
            name: 0,
            pos: 0,
            value: RawValue::new(tag::NULL, 0),
        };
        let mut raw = vec![none; len];
        host!(self.attrs_read(attrs.raw(), 0, len, raw.as_mut_ptr()));
        Ok(raw
            .into_iter()
            .map(|attr| self.attribute_of(attr))
            .collect())
    }

    /// The names of a set, as strings sorted by their bytes.
    #[inline]
    pub fn attrs_names(self, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_names(attrs.raw()));
        self.adopt(raw)
    }

    /// The values of a set, in the order of their names' bytes.
    #[inline]
    pub fn attrs_values(self, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_values(attrs.raw()));
        self.adopt(raw)
    }

    /// The set without the attributes of these names, which it need not have.
    #[inline]
    pub fn attrs_without(self, attrs: &Value<'f>, names: &[Symbol]) -> Value<'f> {
        let raw = host!(self.attrs_without(attrs.raw(), names.as_ptr().cast(), names.len()));
        self.adopt(raw)
    }

    /// The same for names in a list; nothing where a member of it is not evaluated, or is no string without context.
    #[inline]
    pub fn attrs_without_list(self, attrs: &Value<'f>, list: &Value<'f>) -> Option<Value<'f>> {
        let raw = host!(self.attrs_without_list(attrs.raw(), list.raw()));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// The attributes of the set `b` whose names the set `a` has, too.
    #[inline]
    pub fn attrs_common(self, a: &Value<'f>, b: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_common(a.raw(), b.raw()));
        self.adopt(raw)
    }

    /// A set; of attributes with one name the first stays.
    pub fn attrs(self, attributes: &[Attribute<'f>]) -> Value<'f> {
        const {
            assert!(size_of::<Attribute<'_>>() == size_of::<Attr>());
            assert!(offset_of!(Attribute<'_>, pos) == offset_of!(Attr, pos));
            assert!(offset_of!(Attribute<'_>, value) == offset_of!(Attr, value));
        }
        let raw = host!(self.make_attrs(attributes.as_ptr().cast(), attributes.len()));
        self.adopt(raw)
    }

    /// `a // b`
    pub fn attrs_update(self, a: &Value<'f>, b: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_update(a.raw(), b.raw()));
        self.adopt(raw)
    }

    /// The set of thunks `f "name" value`.
    pub fn attrs_map(self, f: &Value<'f>, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_map(f.raw(), attrs.raw()));
        self.adopt(raw)
    }

    // --- functions and the rest

    /// A thunk that applies `f` to `args` when it is forced.
    pub fn apply_lazily(self, f: &Value<'f>, args: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.make_apply(f.raw(), args.as_ptr().cast(), args.len()));
        self.adopt(raw)
    }

    /// The formals of a lambda: a set from name to whether it has a default.
    pub fn function_args(self, f: &Value<'f>) -> Value<'f> {
        let raw = host!(self.function_args(f.raw()));
        self.adopt(raw)
    }

    /// `{ file, line, column }` of an attribute's position, or null.
    pub fn position(self, pos: u32) -> Value<'f> {
        let raw = host!(self.position(pos));
        self.adopt(raw)
    }

    /// An evaluated value as Nix prints it, or as XML.
    pub fn render(self, value: &Value<'f>, xml: bool) -> Value<'f> {
        let raw = host!(self.render(value.raw(), u64::from(xml)));
        self.adopt(raw)
    }

    /// Whether both are the same cell: Nix's shortcut in comparisons.
    #[inline]
    pub fn same(self, a: &Value<'f>, b: &Value<'f>) -> bool {
        host!(self.same(a.raw(), b.raw()))
    }

    /// `value` with its type, if it has been evaluated meanwhile; a thunk still if not.
    #[inline]
    pub fn peek(self, value: &Value<'f>) -> Value<'f> {
        let raw = host!(self.peek(value.raw()));
        self.adopt(raw)
    }

    // --- what suspends

    /// Evaluates to weak head normal form. What is not a thunk returns without suspending.
    #[inline(always)]
    pub fn force(self, value: &Value<'f>) -> Forced<'f> {
        if value.is_thunk() {
            self.evaluate(self.peek(value))
        } else {
            self.ready(value.clone())
        }
    }

    /// The same for a value that its holder gives up, which so needs no second root. A thunk that has been evaluated since the
    /// value was obtained costs a suspension.
    #[inline(always)]
    pub fn evaluate(self, value: Value<'f>) -> Forced<'f> {
        if value.is_thunk() {
            self.asked(self.ask(request::FORCE, 0, [&value]))
        } else {
            self.ready(value)
        }
    }

    #[inline(always)]
    fn ready(self, value: Value<'f>) -> Forced<'f> {
        Forced {
            value: Some(value),
            answer: Answer {
                cx: self,
                asked: false,
            },
        }
    }

    #[inline(always)]
    fn asked(self, answer: Answer<'f>) -> Forced<'f> {
        Forced {
            value: None,
            answer,
        }
    }

    /// Fails where data nested `level` deep is deeper than calls may be nested: for a builtin that walks data with a stack of its
    /// own, which else would follow data that contains itself for ever.
    pub async fn check_nesting(self, level: usize) -> Result<()> {
        let level = Value::int(level as i64);
        let null = Value::null();
        self.ask(request::FORCE, 0, [&null, &level]).await?;
        Ok(())
    }

    /// Evaluates everything that can be reached.
    #[inline]
    pub fn force_deep(self, value: &Value<'f>) -> Answer<'f> {
        self.ask(request::FORCE_DEEP, 0, [value])
    }

    /// The list with its elements coerced to strings, one after the other, with `flags` of [`coerce`].
    #[inline]
    pub fn coerce_items(self, list: &Value<'f>, flags: u64) -> Answer<'f> {
        self.ask(request::COERCE_ITEMS, flags, [list])
    }

    /// Tells how many bytes the builtin holds in memory of its own, all together, until it tells otherwise or ends. They count for
    /// the limit of memory, and where that is passed the builtin ends here. Whoever is about to double a large table says so first:
    /// while it is copied, there are both.
    #[inline]
    pub fn hold(self, bytes: usize) -> Answer<'f> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.ask(request::HOLD, 0, [&Value::int(bytes)])
    }

    /// Evaluates to weak head normal form; `None` where `throw` or `assert` failed.
    pub fn try_force(
        self,
        value: &Value<'f>,
    ) -> impl Future<Output = Result<Option<Value<'f>>>> + use<'f> {
        self.ask_optional(request::TRY_FORCE, 0, [value])
    }

    /// Like [`Cx::force`]; an error that passes through gains the line `context`.
    pub fn force_with_context(self, value: &Value<'f>, context: &Value<'f>) -> Answer<'f> {
        self.ask(request::FORCE_WITH_CONTEXT, 0, [value, context])
    }

    /// Calls a function with 1 to 5 arguments; the result is in weak head normal form.
    #[inline(always)]
    pub fn call<const N: usize>(self, f: &Value<'f>, args: [&Value<'f>; N]) -> Answer<'f> {
        const { assert!(N >= 1 && N <= 5, "a call has 1 to 5 arguments") };
        self.write_request(request::CALL, 0, std::iter::once(f).chain(args));
        Answer {
            cx: self,
            asked: false,
        }
    }

    /// The same at once, where `f` is a builtin that never suspends and whose strict arguments are evaluated. Nothing where it is
    /// none, where it comes to a thunk, or where that cannot be told: then [`Cx::call`] does it, and may call `f` again.
    #[inline]
    pub fn call_at_once<const N: usize>(
        self,
        f: &Value<'f>,
        args: [&Value<'f>; N],
    ) -> Option<Result<Value<'f>>> {
        let args = args.map(|arg| *arg.raw());
        let raw = host!(self.call_at_once(f.raw(), args.as_ptr(), N));
        match raw.tag() {
            tag::ABSENT => None,
            tag::ERROR => Some(Err(Error { marker: raw })),
            _ => Some(Ok(self.adopt(raw))),
        }
    }

    /// Coerces to a string as interpolation does; `flags` of [`coerce`]. What is a string already returns without suspending.
    #[inline]
    pub fn coerce_to_string(self, value: &Value<'f>, flags: u64) -> Coerced<'f> {
        let stage = match self.string_at_hand(value, flags) {
            Some(string) => Stage::Ready(string),
            None if value.is_thunk() => {
                self.write_request(request::FORCE, 0, [value]);
                Stage::Asked(request::FORCE)
            }
            None => {
                self.write_request(request::COERCE_TO_STRING, flags, [value]);
                Stage::Asked(request::COERCE_TO_STRING)
            }
        };
        Coerced {
            cx: self,
            flags,
            stage,
        }
    }

    /// The string of a string, and of an integer where those are coerced too: they are frequent, and need nobody's help.
    #[inline]
    pub fn string_at_hand(self, value: &Value<'f>, flags: u64) -> Option<Value<'f>> {
        match value.kind() {
            Type::String => Some(value.clone()),
            Type::Int if flags & coerce::MORE != 0 => {
                Some(self.decimal(value.as_int().unwrap_or_default()))
            }
            _ => None,
        }
    }

    /// The digits of `number`.
    #[inline]
    fn decimal(self, number: i64) -> Value<'f> {
        // Room for the 19 digits of the largest magnitude and a sign.
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        // Two at a time: a division is what costs.
        while rest >= 10 {
            at -= 2;
            let pair = 2 * (rest % 100) as usize;
            digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
            rest /= 100;
        }
        if rest > 0 || number == 0 {
            at -= 1;
            digits[at] = b'0' + rest as u8;
        }
        if number < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.string(&digits[at..])
    }

    /// Coerces as `toString` does.
    #[inline]
    pub fn to_string(self, value: &Value<'f>) -> Coerced<'f> {
        self.coerce_to_string(value, coerce::MORE)
    }

    /// `a == b`
    #[inline]
    pub fn equal(
        self,
        a: &Value<'f>,
        b: &Value<'f>,
    ) -> impl Future<Output = Result<bool>> + use<'f> {
        let answer = self.ask(request::EQUAL, 0, [a, b]);
        async move { self.bool(&answer.await?) }
    }

    /// `a < b`
    #[inline]
    pub fn less(
        self,
        a: &Value<'f>,
        b: &Value<'f>,
    ) -> impl Future<Output = Result<bool>> + use<'f> {
        let answer = self.ask(request::LESS, 0, [a, b]);
        async move { self.bool(&answer.await?) }
    }

    /// The value of Nix source text, evaluated in the scope of all builtins: for what Nix can say itself.
    pub fn eval_text(self, source: &str) -> Answer<'f> {
        self.ask(request::EVAL_TEXT, 0, [&self.string(source)])
    }

    /// Any request whose answer is a value.
    ///
    /// It is written at once: await what this returns before asking for anything else.
    #[inline(always)]
    pub fn ask<const N: usize>(self, number: u32, flags: u64, args: [&Value<'f>; N]) -> Answer<'f> {
        const { assert!(N <= 6, "a request has at most 6 arguments") };
        self.write_request(number, flags, args);
        Answer {
            cx: self,
            asked: false,
        }
    }

    /// Any request whose answer may be "absent".
    pub fn ask_optional<const N: usize>(
        self,
        number: u32,
        flags: u64,
        args: [&Value<'f>; N],
    ) -> impl Future<Output = Result<Option<Value<'f>>>> + use<'f, N> {
        let asked = Suspend::new();
        self.write_request(number, flags, args);
        async move {
            asked.await;
            match self.response().tag() {
                tag::ABSENT => Ok(None),
                _ => self.answer().map(Some),
            }
        }
    }

    /// Writes the request where the host reads it, before the future suspends: this keeps the arguments out of the future.
    #[inline(always)]
    fn write_request<'v>(
        self,
        number: u32,
        flags: u64,
        args: impl IntoIterator<Item = &'v Value<'f>>,
    ) where
        'f: 'v,
    {
        // SAFETY: the context is the host's, valid during a poll, and nobody else uses the request slot meanwhile.
        let slot = unsafe { &mut (*self.vm).request };
        assert!(
            slot.number == 0,
            "one request at a time: the one before has not been awaited"
        );
        let mut argc = 0;
        for arg in args {
            slot.args[argc] = *arg.raw();
            argc += 1;
        }
        slot.number = number;
        slot.argc = argc as u32;
        slot.flags = flags;
    }

    #[inline(always)]
    fn response(self) -> RawValue {
        // SAFETY: as in `write_request`; the host has written the answer before it polled again.
        unsafe { (*self.vm).response }
    }

    #[inline(always)]
    fn answer(self) -> Result<Value<'f>> {
        let raw = self.response();
        if raw.tag() > tag::THUNK {
            return Err(self.no_value(raw));
        }
        Ok(self.adopt(raw))
    }

    /// The answer is a marker and must not become a [`Value`].
    #[cold]
    fn no_value(self, raw: RawValue) -> Error {
        self.fail(match raw.tag() {
            tag::UNSUPPORTED => {
                "this version of Piton does not support a request that the builtin makes"
            }
            _ => "the builtin did not expect that its request has no answer",
        })
    }

    #[inline]
    fn expect(self, value: &Value<'f>, kind: Type) -> Result<()> {
        if value.kind() == kind {
            Ok(())
        } else {
            Err(self.type_error(&[kind], value))
        }
    }

    #[inline(always)]
    fn attribute_of(self, attr: Attr) -> Attribute<'f> {
        Attribute {
            name: Symbol(attr.name),
            pos: attr.pos,
            value: self.adopt(attr.value),
        }
    }
}

fn type_tag(kind: Type) -> u64 {
    match kind {
        Type::Null => tag::NULL,
        Type::Bool => tag::BOOL,
        Type::Int => tag::INT,
        Type::Float => tag::FLOAT,
        Type::String => tag::STRING,
        Type::Path => tag::PATH,
        Type::List => tag::LIST,
        Type::Attrs => tag::ATTRS,
        Type::Function => tag::FUNCTION,
        Type::Thunk => tag::THUNK,
    }
}

/// The answer to a request that has been written; suspends when it is awaited.
pub struct Answer<'f> {
    cx: Cx<'f>,
    asked: bool,
}

impl<'f> Future for Answer<'f> {
    type Output = Result<Value<'f>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.asked {
            return Poll::Ready(self.cx.answer());
        }
        self.asked = true;
        Poll::Pending
    }
}

/// A value in weak head normal form: there already, or the answer to a request.
pub struct Forced<'f> {
    value: Option<Value<'f>>,
    answer: Answer<'f>,
}

impl<'f> Future for Forced<'f> {
    type Output = Result<Value<'f>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.value.take() {
            Some(value) => Poll::Ready(Ok(value)),
            None => Pin::new(&mut self.answer).poll(context),
        }
    }
}

/// A value on its way to be a string: there already, or forced first and then coerced by the host.
pub struct Coerced<'f> {
    cx: Cx<'f>,
    flags: u64,
    stage: Stage<'f>,
}

enum Stage<'f> {
    Ready(Value<'f>),
    /// The request has been written.
    Asked(u32),
    /// And the builtin is suspended by it.
    Waiting(u32),
    Over,
}

impl<'f> Future for Coerced<'f> {
    type Output = Result<Value<'f>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let cx = self.cx;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ready(string) => Poll::Ready(Ok(string)),
            Stage::Asked(request) => {
                self.stage = Stage::Waiting(request);
                Poll::Pending
            }
            Stage::Waiting(request::FORCE) => {
                let value = cx.answer()?;
                if let Some(string) = cx.string_at_hand(&value, self.flags) {
                    return Poll::Ready(Ok(string));
                }
                cx.write_request(request::COERCE_TO_STRING, self.flags, [&value]);
                self.stage = Stage::Waiting(request::COERCE_TO_STRING);
                Poll::Pending
            }
            Stage::Waiting(_) => Poll::Ready(cx.answer()),
            Stage::Over => panic!("awaited again after its end"),
        }
    }
}

/// Pending once: the driver sees it and returns to the host, which resumes with the answer in place.
struct Suspend {
    suspended: bool,
}

impl Suspend {
    #[inline(always)]
    fn new() -> Self {
        Suspend { suspended: false }
    }
}

impl Future for Suspend {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.suspended {
            return Poll::Ready(());
        }
        self.suspended = true;
        Poll::Pending
    }
}
