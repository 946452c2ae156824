//! Objects: a header word and what follows it.
//!
//! ```text
//!  header  63 ......... 32 | 31 ... 17 | 15 ... 8 | 7 ... 0
//!              length      |   walk    |  state   |  kind, old in bit 6, mark in bit 7
//!          63 .................... 16 | 15 ... 8 | 7 ... 0
//!              address of the code    |  state   |  the same      of closures, and of thunks that do not apply
//!
//!  Int, Float   [header][64 bits]
//!  String, Path [header: bytes][context u32, symbol and one, or zero u32][bytes, padded]
//!  List         [header: items][item]*
//!  Keys         [header: entries][address of the name order, or 0][address of the keys without positions, or 0]
//!               [symbol u32, pos u32]*
//!  Attrs        [header: entries][address of Keys][value]*          values in the order of the keys; state: whether all are evaluated
//!  Layers       [header: entries][0][base][over][flat]              addresses: AnyAttrs, Attrs, Attrs or 0
//!  Closure      [header: code][capture]*
//!  Thunk        [header: code][capture]*               state Suspended or Running; at least one word behind the header
//!               [header: code][value][dead]*           state Done; after a collection what is dead may be others'
//!               [header: args][function][arg]*         state Apply or ApplyRunning
//!               [header: args][value][dead]*           state ApplyDone; the same
//!  Partial      [header: args][function][arg]*
//! ```
//!
//! Half of what a large program allocates is thunks: a word for the address of the code would be a fifth of them. How many captures
//! there are says the code, which begins with a [`CodeHead`].

use super::sets::keys_words;
use super::word::{TAG_CLOSURE, TAG_LIST, TAG_OBJECT, TAG_THUNK, Value};
use crate::symbol::Symbol;
use std::num::NonZeroU16;
use std::ptr::NonNull;

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Int = 1,
    Float,
    String,
    Path,
    List,
    Keys,
    Attrs,
    Closure,
    Thunk,
    Partial,
    Layers,
}

impl Kind {
    /// More than the number of any.
    pub const COUNT: usize = 12;

    /// What statistics call objects of that number; nothing if there is no such kind.
    pub fn name(number: usize) -> Option<&'static str> {
        const NAMES: [&str; Kind::COUNT - 1] = [
            "integers", "floats", "strings", "paths", "lists", "shapes", "sets", "closures",
            "thunks", "partials", "layers",
        ];
        NAMES.get(number.checked_sub(1)?).copied()
    }
}

/// What the heap reads of code; all code that closures and thunks are made of begins with it.
#[repr(C)]
pub struct CodeHead {
    /// How many captures its closures or thunks have.
    pub captures: u16,
}

/// Where a thunk is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ThunkState {
    /// Code and captures, not begun.
    Suspended = 0,
    /// Its code runs: forcing it now is infinite recursion.
    Running = RUNNING,
    /// A function and arguments, not begun.
    Apply = APPLY,
    /// The call runs.
    ApplyRunning = APPLY | RUNNING,
    /// Holds its value.
    Done = DONE | RUNNING,
    /// Holds the value of the call.
    ApplyDone = DONE | APPLY | RUNNING,
}

/// The bits of a state: it has begun, ...
const RUNNING: u8 = 1;
/// ... it applies a function, ...
const APPLY: u8 = 2;
/// ... it has ended.
const DONE: u8 = 4;

/// The object has outlived a collection.
const OLD_BIT: u64 = 1 << 6;
/// What it means says the last collection of everything; only of objects that are old.
const MARK_BIT: u64 = 1 << 7;
/// What a header says of the kind.
pub(super) const KIND_BITS: u64 = OLD_BIT - 1;
/// Where the number of the last walk stands that has come by; 15 bits.
const WALK_SHIFT: u32 = 17;
const WALK_MASK: u64 = 0x7fff << WALK_SHIFT;
/// The last number that a walk can have.
pub(super) const LAST_WALK: u16 = 0x7fff;
pub(super) const STATE_SHIFT: u32 = 8;
const CODE_SHIFT: u32 = 16;
/// Code that closures and thunks are made of lies below this address.
pub const CODE_END: u64 = 1 << (64 - CODE_SHIFT);
const LEN_SHIFT: u32 = 32;

/// The mark that a collection leaves.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    looks_at: u64,
    sets: u64,
}

impl Mark {
    /// Of one of everything. Objects that are old carry the mark of the last one, the opposite of this.
    pub(super) fn of_everything(polarity: bool) -> Self {
        Mark {
            looks_at: OLD_BIT | MARK_BIT,
            sets: OLD_BIT | if polarity { MARK_BIT } else { 0 },
        }
    }

    /// Of one of what is new, which carries the mark of the last one of everything then.
    pub(super) fn of_what_is_new(polarity: bool) -> Self {
        Mark {
            looks_at: OLD_BIT,
            ..Mark::of_everything(polarity)
        }
    }
}

/// An object of the heap, by address.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Object(pub(super) NonNull<u64>);

impl Object {
    #[inline(always)]
    pub(super) fn from_address(address: usize) -> Self {
        debug_assert!(address != 0 && address & 7 == 0, "an object's address");
        // SAFETY: addresses of objects are never null: they come from an allocation or a word that was made of one. Said by itself,
        // as the compiler else asks again where this has been put into an `Option`.
        unsafe {
            std::hint::assert_unchecked(address != 0);
            Object(NonNull::new_unchecked(address as *mut u64))
        }
    }

    /// Its address: its identity, as it never moves.
    #[inline(always)]
    pub fn address(self) -> usize {
        self.0.as_ptr() as usize
    }

    #[inline(always)]
    pub(super) fn header(self) -> u64 {
        // SAFETY: handles name live objects until the next safepoint (see the module's invariant).
        unsafe { *self.0.as_ptr() }
    }

    #[inline(always)]
    pub(super) fn set_header(self, header: u64) {
        // SAFETY: as in `header`; nobody holds references into objects across a write.
        unsafe { *self.0.as_ptr() = header }
    }

    pub(super) fn make_header(kind: Kind, state: u8, len: usize) -> u64 {
        debug_assert!(len <= u32::MAX as usize, "the length of an object");
        kind as u64 | u64::from(state) << STATE_SHIFT | (len as u64) << LEN_SHIFT
    }

    #[inline(always)]
    pub(super) fn code_header(kind: Kind, code: usize) -> u64 {
        debug_assert!((code as u64) < CODE_END, "its address has room");
        kind as u64 | (code as u64) << CODE_SHIFT
    }

    /// What it is.
    #[inline(always)]
    pub fn kind(self) -> Kind {
        // SAFETY: headers are written by `make_header` and `code_header` alone, so the six bits are a `Kind`.
        unsafe { std::mem::transmute::<u8, Kind>((self.header() & KIND_BITS) as u8) }
    }

    /// Length as its kind counts it. Closures and thunks of code have none here: see [`Captured::len`].
    #[inline(always)]
    pub fn len(self) -> usize {
        (self.header() >> LEN_SHIFT) as usize
    }

    /// Whether its length is zero.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether a collection has marked it.
    #[inline(always)]
    pub(super) fn has(self, mark: Mark) -> bool {
        self.header() & mark.looks_at == mark.sets & mark.looks_at
    }

    /// Marks it: it outlives the collection.
    #[inline(always)]
    pub(super) fn set(self, mark: Mark) {
        self.set_header(self.header() & !MARK_BIT | mark.sets);
    }

    /// Whether it has outlived a collection.
    #[inline(always)]
    pub(super) fn is_old(self) -> bool {
        self.header() & OLD_BIT != 0
    }

    /// The last walk that has noted its number here, if one has.
    #[inline]
    pub fn walk(self) -> Option<NonZeroU16> {
        NonZeroU16::new(((self.header() & WALK_MASK) >> WALK_SHIFT) as u16)
    }

    /// Notes that a walk has come by.
    #[inline]
    pub fn set_walk(self, walk: NonZeroU16) {
        let header = self.header() & !WALK_MASK;
        self.set_header(header | u64::from(walk.get()) << WALK_SHIFT);
    }

    /// Word `index` after the header.
    #[inline(always)]
    pub(super) fn word(self, index: usize) -> u64 {
        // SAFETY: callers stay within the size that the kind and length give; objects are live (module invariant).
        unsafe { *self.0.as_ptr().add(1 + index) }
    }

    #[inline(always)]
    pub(super) fn set_word(self, index: usize, word: u64) {
        // SAFETY: as in `word`.
        unsafe { *self.0.as_ptr().add(1 + index) = word }
    }

    #[inline(always)]
    pub(super) fn value(self, index: usize) -> Value {
        // SAFETY: the word was stored from a `Value`.
        unsafe { Value::from_word(self.word(index)) }
    }

    #[inline(always)]
    pub(super) fn values<'a>(self, start: usize, len: usize) -> &'a [Value] {
        // SAFETY: within the object; live until the next safepoint, before which the caller lets go.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(1 + start).cast::<Value>(), len) }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) fn values_mut<'a>(self, start: usize, len: usize) -> &'a mut [Value] {
        // SAFETY: as in `values`; used on objects being built.
        unsafe {
            std::slice::from_raw_parts_mut(self.0.as_ptr().add(1 + start).cast::<Value>(), len)
        }
    }

    /// The bytes of a string or path. The lifetime is the caller's care: until the next safepoint.
    #[inline]
    pub(super) fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: strings hold `len` bytes after the context word; immutable.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(2).cast::<u8>(), self.len()) }
    }

    #[inline]
    pub(super) fn bytes_mut<'a>(self) -> &'a mut [u8] {
        // SAFETY: only called on a string that is being built.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(2).cast::<u8>(), self.len()) }
    }

    /// The same with what is left of the last word, which is to be zeros.
    #[inline]
    pub(super) fn whole_words_mut<'a>(self) -> &'a mut [u8] {
        let words = self.len().div_ceil(size_of::<u64>());
        // SAFETY: as of `bytes_mut`; texts take whole words.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.0.as_ptr().add(2).cast::<u8>(),
                words * size_of::<u64>(),
            )
        }
    }

    #[inline]
    pub(super) fn context(self) -> u32 {
        self.word(0) as u32
    }

    /// The symbol of a string, if it is noted.
    #[inline(always)]
    pub(super) fn symbol(self) -> Option<Symbol> {
        let noted = (self.word(0) >> 32) as u32;
        noted.checked_sub(1).map(Symbol)
    }

    /// Notes the symbol of a string without context.
    pub(super) fn set_symbol(self, symbol: Symbol) {
        debug_assert!(self.kind() == Kind::String && self.context() == 0);
        self.set_word(0, (u64::from(symbol.0) + 1) << 32);
    }

    /// Words that the object, of that kind, occupies, header included; of a thunk that has its value, those that it was made with.
    #[inline(always)]
    pub(super) fn size_in_words(self, kind: Kind) -> usize {
        debug_assert!(kind == self.kind(), "its own kind");
        let len = self.len();
        match kind {
            Kind::Int | Kind::Float => 2,
            Kind::String | Kind::Path => 2 + len.div_ceil(8),
            Kind::List => 1 + len.max(1),
            Kind::Layers => 5,
            Kind::Closure => 1 + Captured(self).len(),
            Kind::Thunk if Thunk(self).applies() => 2 + len,
            Kind::Thunk => thunk_words(Captured(self).len()),
            Kind::Keys => keys_words(len),
            Kind::Attrs | Kind::Partial => 2 + len,
        }
    }
}

/// Words of a thunk of code with so many captures: its value has to have room.
#[inline(always)]
pub(super) fn thunk_words(captures: usize) -> usize {
    1 + captures.max(1)
}

/// Gives handles of objects that count in their header the length that it says.
macro_rules! counted {
    ($($handle:ident)*) => {$(
        impl $handle {
            /// How many it has.
            #[inline(always)]
            pub fn len(self) -> usize {
                self.0.len()
            }

            /// Whether it has none.
            pub fn is_empty(self) -> bool {
                self.0.is_empty()
            }
        }
    )*};
}
pub(super) use counted;

counted!(List);

/// A list.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct List(pub(super) Object);

impl List {
    /// Its elements.
    #[inline(always)]
    pub fn items<'a>(self) -> &'a [Value] {
        self.0.values(0, self.0.len())
    }

    /// Its elements, while it is being built.
    #[inline(always)]
    pub fn items_mut<'a>(self) -> &'a mut [Value] {
        self.0.values_mut(0, self.0.len())
    }

    /// As a value.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_object(self.0, TAG_LIST)
    }
}

/// A closure, or a thunk while its code runs: code and captured values at the same places.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Captured(pub(super) Object);

impl Captured {
    /// The header of a new closure or thunk, by `kind`, of code at address `code`.
    pub fn header(kind: Kind, code: usize) -> u64 {
        Object::code_header(kind, code)
    }

    /// The address of the code that such a header says.
    #[inline(always)]
    pub fn code_of(header: u64) -> usize {
        (header >> CODE_SHIFT) as usize
    }

    /// Address of the code.
    #[inline(always)]
    pub fn code(self) -> usize {
        Captured::code_of(self.0.header())
    }

    /// How many captures it has.
    #[inline]
    pub fn len(self) -> usize {
        // SAFETY: who made it promised that code begins so, and outlives it.
        unsafe { (*(self.code() as *const CodeHead)).captures as usize }
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Capture `index`.
    #[inline(always)]
    pub fn capture(self, index: usize) -> Value {
        debug_assert!(index < self.len(), "a capture that exists");
        debug_assert!(!self.is_done(), "captures end where the value comes");
        self.0.value(index)
    }

    /// Where the captures begin.
    #[inline(always)]
    pub fn start(self) -> *mut Value {
        debug_assert!(!self.is_done(), "captures end where the value comes");
        // SAFETY: they follow the header.
        unsafe { self.0.0.as_ptr().add(1).cast::<Value>() }
    }

    /// Fills capture `index` in.
    #[inline(always)]
    pub fn set_capture(self, index: usize, value: Value) {
        debug_assert!(index < self.len(), "a capture that exists");
        debug_assert!(
            !self.is_done() || index == 0 && !value.is_thunk(),
            "captures end where the value comes"
        );
        self.0.set_word(index, value.to_word());
    }

    /// The captures, to be filled in.
    #[inline(always)]
    pub fn captures_mut<'a>(self) -> &'a mut [Value] {
        debug_assert!(!self.is_done(), "captures end where the value comes");
        self.0.values_mut(0, self.len())
    }

    /// Whether it is a thunk that has its value where captures were.
    fn is_done(self) -> bool {
        self.0.kind() == Kind::Thunk && Thunk(self.0).value().is_some()
    }

    /// A closure as a value.
    #[inline(always)]
    pub fn closure_value(self) -> Value {
        Value::from_object(self.0, TAG_CLOSURE)
    }

    /// A thunk as a value.
    #[inline(always)]
    pub fn thunk_value(self) -> Value {
        Value::from_object(self.0, TAG_THUNK)
    }

    /// The thunk that it is.
    #[inline(always)]
    pub fn thunk(self) -> Thunk {
        Thunk(self.0)
    }
}

/// A thunk.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Thunk(pub(super) Object);

impl Thunk {
    /// Where it is in its life.
    #[inline(always)]
    pub fn state(self) -> ThunkState {
        // SAFETY: written by the heap, as `Suspended` or `Apply`, and by `begin`, `reset` and `store`, which set and clear bits.
        unsafe { std::mem::transmute::<u8, ThunkState>((self.0.header() >> STATE_SHIFT) as u8) }
    }

    #[inline(always)]
    fn has(self, bits: u8) -> bool {
        self.0.header() & u64::from(bits) << STATE_SHIFT != 0
    }

    #[inline(always)]
    fn set(self, bits: u8) {
        self.0
            .set_header(self.0.header() | u64::from(bits) << STATE_SHIFT);
    }

    /// Whether it is, or was, a function with arguments.
    #[inline(always)]
    pub(super) fn applies(self) -> bool {
        self.has(APPLY)
    }

    /// Its value, if it has been evaluated.
    #[inline(always)]
    pub fn value(self) -> Option<Value> {
        self.has(DONE).then(|| self.0.value(0))
    }

    /// Whether it is being evaluated.
    pub fn is_running(self) -> bool {
        self.has(RUNNING) && !self.has(DONE)
    }

    /// Notes that it is being evaluated.
    #[inline(always)]
    pub fn begin(self) {
        debug_assert!(!self.has(RUNNING), "not begun");
        self.set(RUNNING);
    }

    /// Puts it back as it was before [`Thunk::begin`], since its evaluation failed.
    pub fn reset(self) {
        if self.is_running() {
            self.0
                .set_header(self.0.header() & !(u64::from(RUNNING) << STATE_SHIFT));
        }
    }

    /// Stores its value, and answers whether the thunk is old; see [`Heap::finish`](super::Heap::finish).
    #[inline(always)]
    pub(super) fn store(self, value: Value) -> bool {
        debug_assert!(
            !value.is_thunk(),
            "a thunk's value is in weak head normal form"
        );
        debug_assert!(self.is_running(), "begun, and not ended");
        let is_old = self.0.is_old();
        self.0.set_word(0, value.to_word());
        self.set(DONE);
        is_old
    }

    /// Code and captures (states Suspended and Running).
    #[inline(always)]
    pub fn captured(self) -> Captured {
        Captured(self.0)
    }

    /// Function and arguments (states Apply and ApplyRunning).
    pub fn application<'a>(self) -> (Value, &'a [Value]) {
        (self.0.value(0), self.0.values(1, self.0.len()))
    }

    /// As a value.
    #[inline(always)]
    pub fn as_value(self) -> Value {
        Value::from_object(self.0, TAG_THUNK)
    }

    /// Identity.
    pub fn address(self) -> usize {
        self.0.address()
    }
}

/// A function with some of its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Partial(pub(super) Object);

impl Partial {
    /// The function: a closure or a builtin.
    pub fn function(self) -> Value {
        self.0.value(0)
    }

    /// The arguments so far.
    pub fn args<'a>(self) -> &'a [Value] {
        self.0.values(1, self.0.len())
    }

    /// As a value.
    pub fn value(self) -> Value {
        Value::from_object(self.0, TAG_OBJECT)
    }
}
