//! [`Value`]: one machine word.
//!
//! ```text
//!  63                                   3 2 0
//!  | address of an object               |000|  float, big integer, long string, path, partial application
//!  | integer, 61 bits, signed           |001|
//!  | address of a thunk                 |010|
//!  | payload (56)          | kind (5)   |011|  null, false, true, builtin number
//!  | up to 7 bytes of text | length (5) |100|  string without context
//!  | address                            |101|  attribute set
//!  | address                            |110|  list
//!  | address                            |111|  closure
//! ```

use super::object::{Captured, Kind, List, Object, Partial, Thunk};
use super::sets::AnyAttrs;
use crate::symbol::Symbol;
use crate::text::text_bits;
use piton_plugin_api::hint::cold_path;

/// A value of the language, or a thunk that will become one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(u64);

const _: () = assert!(size_of::<Value>() == 8);

const TAG_MASK: u64 = 7;
pub(super) const TAG_OBJECT: u64 = 0;
const TAG_INT: u64 = 1;
pub(super) const TAG_THUNK: u64 = 2;
const TAG_IMMEDIATE: u64 = 3;
const TAG_SHORT: u64 = 4;
pub(super) const TAG_ATTRS: u64 = 5;
pub(super) const TAG_LIST: u64 = 6;
pub(super) const TAG_CLOSURE: u64 = 7;

const NULL: u64 = TAG_IMMEDIATE;
const FALSE: u64 = 1 << 3 | TAG_IMMEDIATE;
const TRUE: u64 = 2 << 3 | TAG_IMMEDIATE;
const BUILTIN: u64 = 3 << 3 | TAG_IMMEDIATE;
const UNSET: u64 = 4 << 3 | TAG_IMMEDIATE;
const UNSUPPORTED: u64 = 5 << 3 | TAG_IMMEDIATE;
const KIND_MASK: u64 = 0xff;

/// The longest string that fits in a word.
const MAX_SHORT: usize = 7;

/// The largest integer that needs no object.
pub const MAX_INLINE_INT: i64 = (1 << 60) - 1;
/// The smallest integer that needs no object.
pub const MIN_INLINE_INT: i64 = -(1 << 60);

/// Types of the language, and "not evaluated".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum ValueType {
    Null,
    Bool,
    Int,
    Float,
    String,
    Path,
    List,
    Attrs,
    Function,
    Thunk,
}

impl Value {
    /// `null`
    pub const NULL: Value = Value(NULL);
    /// `true`
    pub const TRUE: Value = Value(TRUE);
    /// `false`
    pub const FALSE: Value = Value(FALSE);
    /// The register of a formal that the argument lacks; never seen by a program.
    pub const UNSET: Value = Value(UNSET);
    /// The answer to a request that the host does not know; never seen by a program.
    pub const UNSUPPORTED: Value = Value(UNSUPPORTED);
    /// The empty string without context.
    pub const EMPTY_STRING: Value = Value(TAG_SHORT);

    /// A bool.
    #[inline(always)]
    pub fn bool(value: bool) -> Self {
        if value { Value::TRUE } else { Value::FALSE }
    }

    /// An integer that needs no object, if it is one.
    #[inline(always)]
    pub fn inline_int(value: i64) -> Option<Self> {
        let word = value << 3;
        (word >> 3 == value).then_some(Value(word as u64 | TAG_INT))
    }

    /// Builtin number `index` of the table of loaded builtins.
    pub fn builtin(index: u32) -> Self {
        Value(u64::from(index) << 8 | BUILTIN)
    }

    /// A string that fits in the word, if it does.
    #[inline]
    pub fn short_string(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= MAX_SHORT).then(|| Self::of_bits(text_bits(bytes), bytes.len()))
    }

    /// The string that strings of `len` bytes together come to, if it fits in the word.
    #[inline]
    pub(super) fn short_string_of(parts: impl Iterator<Item = Value>, len: usize) -> Option<Self> {
        if len > MAX_SHORT {
            return None;
        }
        // Put together in a register: what is written into memory in pieces cannot be read as a word at once.
        let (mut all, mut end) = (0, 0);
        for part in parts {
            let (bits, len) = part.short_bits().unwrap_or_else(|| {
                cold_path();
                let bytes = part.as_string().unwrap_or_default();
                (text_bits(bytes), bytes.len())
            });
            all |= bits << (8 * end);
            end += len;
        }
        debug_assert_eq!(end, len, "as long as was said");
        Some(Self::of_bits(all, len))
    }

    #[inline(always)]
    fn of_bits(bits: u64, len: usize) -> Self {
        Value(bits << 8 | (len as u64) << 3 | TAG_SHORT)
    }

    /// The word itself, as it crosses the plugin boundary.
    #[inline(always)]
    pub fn to_word(self) -> u64 {
        self.0
    }

    /// The value of a word.
    ///
    /// # Safety
    /// `word` came from [`Value::to_word`], and what it names is alive.
    #[inline(always)]
    pub unsafe fn from_word(word: u64) -> Self {
        Value(word)
    }

    #[inline(always)]
    pub(super) fn from_object(object: Object, tag: u64) -> Self {
        Value(object.address() as u64 | tag)
    }

    #[inline(always)]
    fn tag(self) -> u64 {
        self.0 & TAG_MASK
    }

    #[inline(always)]
    fn object_unchecked(self) -> Object {
        Object::from_address((self.0 & !TAG_MASK) as usize)
    }

    /// Whether the word refers to memory of the heap.
    #[inline(always)]
    pub fn is_heap(self) -> bool {
        !matches!(self.tag(), TAG_INT | TAG_IMMEDIATE | TAG_SHORT)
    }

    /// The object it refers to.
    #[inline(always)]
    pub fn object(self) -> Option<Object> {
        self.is_heap().then(|| self.object_unchecked())
    }

    /// The ABI's tag, with its flag for what refers to the heap, of a value that its own tag tells to be a set, a list, a closure, a
    /// thunk or a short string.
    #[inline(always)]
    pub fn plain_tag(self) -> Option<u64> {
        use piton_plugin_api::abi::{FLAG_HEAP, tag};
        const TAGS: [u64; 8] = {
            let mut tags = [0; 8];
            tags[TAG_THUNK as usize] = tag::THUNK | FLAG_HEAP;
            tags[TAG_SHORT as usize] = tag::STRING;
            tags[TAG_ATTRS as usize] = tag::ATTRS | FLAG_HEAP;
            tags[TAG_LIST as usize] = tag::LIST | FLAG_HEAP;
            tags[TAG_CLOSURE as usize] = tag::FUNCTION | FLAG_HEAP;
            tags
        };
        let tag = TAGS[self.tag() as usize];
        (tag != 0).then_some(tag)
    }

    /// Whether it is a thunk (evaluated or not).
    #[inline(always)]
    pub fn is_thunk(self) -> bool {
        self.tag() == TAG_THUNK
    }

    /// The thunk that it is.
    #[inline(always)]
    pub fn as_thunk(self) -> Option<Thunk> {
        self.is_thunk().then(|| Thunk(self.object_unchecked()))
    }

    /// The same, where thunks are seldom.
    #[inline(always)]
    pub fn as_thunk_rarely(self) -> Option<Thunk> {
        if self.is_thunk() {
            cold_path();
            return Some(Thunk(self.object_unchecked()));
        }
        None
    }

    /// The integer that it is, if it is a small one.
    #[inline(always)]
    pub fn as_inline_int(self) -> Option<i64> {
        (self.tag() == TAG_INT).then_some(self.0 as i64 >> 3)
    }

    /// The sum of two integers that need no object, if it needs none either.
    #[inline(always)]
    pub fn add_inline(self, other: Value) -> Option<Value> {
        if ((self.0 ^ TAG_INT) | (other.0 ^ TAG_INT)) & TAG_MASK != 0 {
            return None;
        }
        // The tag of one is taken off, so the sum has one again; a carry out of the 61 bits is one out of the 64.
        let sum = (self.0 as i64 - TAG_INT as i64).checked_add(other.0 as i64)?;
        Some(Value(sum as u64))
    }

    /// Their difference, likewise.
    #[inline(always)]
    pub fn sub_inline(self, other: Value) -> Option<Value> {
        if ((self.0 ^ TAG_INT) | (other.0 ^ TAG_INT)) & TAG_MASK != 0 {
            return None;
        }
        let difference = (self.0 as i64).checked_sub(other.0 as i64 - TAG_INT as i64)?;
        Some(Value(difference as u64))
    }

    /// The sum of an integer that needs no object and one of at most 60 bits, likewise.
    #[inline(always)]
    pub fn add_small(self, other: i64) -> Option<Value> {
        if self.tag() != TAG_INT {
            return None;
        }
        Some(Value((self.0 as i64).checked_add(other << 3)? as u64))
    }

    /// The integer that it is.
    #[inline(always)]
    pub fn as_int(self) -> Option<i64> {
        if self.tag() == TAG_INT {
            return Some(self.0 as i64 >> 3);
        }
        self.boxed(Kind::Int).map(|object| object.word(0) as i64)
    }

    /// The float that it is.
    pub fn as_float(self) -> Option<f64> {
        self.boxed(Kind::Float)
            .map(|object| f64::from_bits(object.word(0)))
    }

    /// The number that it is, as a float.
    pub fn as_number(self) -> Option<f64> {
        self.as_int()
            .map(|value| value as f64)
            .or_else(|| self.as_float())
    }

    /// The bool that it is.
    #[inline(always)]
    pub fn as_bool(self) -> Option<bool> {
        match self.0 {
            TRUE => Some(true),
            FALSE => Some(false),
            _ => None,
        }
    }

    /// Whether it is null.
    #[inline(always)]
    pub fn is_null(self) -> bool {
        self.0 == NULL
    }

    /// The set that it is.
    #[inline(always)]
    pub fn as_attrs(self) -> Option<AnyAttrs> {
        (self.tag() == TAG_ATTRS).then(|| AnyAttrs(self.object_unchecked()))
    }

    /// The list that it is.
    #[inline(always)]
    pub fn as_list(self) -> Option<List> {
        (self.tag() == TAG_LIST).then(|| List(self.object_unchecked()))
    }

    /// The closure that it is.
    #[inline(always)]
    pub fn as_closure(self) -> Option<Captured> {
        (self.tag() == TAG_CLOSURE).then(|| Captured(self.object_unchecked()))
    }

    /// The builtin that it is.
    #[inline(always)]
    pub fn as_builtin(self) -> Option<u32> {
        (self.0 & KIND_MASK == BUILTIN).then_some((self.0 >> 8) as u32)
    }

    /// The partial application that it is.
    pub fn as_partial(self) -> Option<Partial> {
        self.boxed(Kind::Partial).map(Partial)
    }

    /// The bytes of the string that it is; a view of this very word where it is a short one.
    #[inline(always)]
    pub fn as_string(&self) -> Option<&[u8]> {
        if self.tag() == TAG_SHORT {
            return Some(self.short_bytes());
        }
        self.boxed(Kind::String).map(Object::bytes)
    }

    /// The same, with the id of the context.
    #[inline(always)]
    pub fn as_string_with_context(&self) -> Option<(&[u8], u32)> {
        if self.tag() == TAG_SHORT {
            return Some((self.short_bytes(), 0));
        }
        self.boxed(Kind::String)
            .map(|object| (object.bytes(), object.context()))
    }

    /// Whether it is a string.
    #[inline(always)]
    pub fn is_string(self) -> bool {
        self.tag() == TAG_SHORT || self.boxed(Kind::String).is_some()
    }

    /// The bytes of the path that it is.
    pub fn as_path(&self) -> Option<&[u8]> {
        self.boxed(Kind::Path).map(Object::bytes)
    }

    /// The context of the string that it is; 0 for others.
    #[inline]
    pub fn context(self) -> u32 {
        self.boxed(Kind::String).map_or(0, Object::context)
    }

    /// The symbol of a string on the heap, if that has been found out.
    #[inline(always)]
    pub fn symbol(self) -> Option<Symbol> {
        self.boxed(Kind::String).and_then(Object::symbol)
    }

    /// Notes the symbol of a string on the heap, which has no context.
    pub fn set_symbol(self, symbol: Symbol) {
        if let Some(string) = self.boxed(Kind::String) {
            string.set_symbol(symbol);
        }
    }

    /// The bytes of the short string that it is, the first one lowest and zeros behind the last, and how many they are.
    #[inline(always)]
    pub(super) fn short_bits(self) -> Option<(u64, usize)> {
        (self.tag() == TAG_SHORT).then_some((self.0 >> 8, self.short_len()))
    }

    #[inline(always)]
    fn short_len(self) -> usize {
        (self.0 >> 3 & 31) as usize
    }

    #[inline(always)]
    fn short_bytes(&self) -> &[u8] {
        let base = (&raw const self.0).cast::<u8>();
        const {
            assert!(
                cfg!(target_endian = "little"),
                "short strings rely on little-endian words"
            )
        };
        // SAFETY: the word is 8 bytes; the text follows the tag byte and is at most 7 long.
        unsafe { std::slice::from_raw_parts(base.add(1), self.short_len()) }
    }

    #[inline(always)]
    fn boxed(self, kind: Kind) -> Option<Object> {
        if self.tag() != TAG_OBJECT {
            return None;
        }
        let object = self.object_unchecked();
        (object.kind() == kind).then_some(object)
    }

    /// Its type; thunks are not looked into.
    pub fn value_type(self) -> ValueType {
        match self.tag() {
            TAG_INT => ValueType::Int,
            TAG_THUNK => ValueType::Thunk,
            TAG_SHORT => ValueType::String,
            TAG_ATTRS => ValueType::Attrs,
            TAG_LIST => ValueType::List,
            TAG_CLOSURE => ValueType::Function,
            TAG_IMMEDIATE => match self.0 & KIND_MASK {
                NULL => ValueType::Null,
                TRUE | FALSE => ValueType::Bool,
                _ => ValueType::Function,
            },
            _ => match self.object_unchecked().kind() {
                Kind::Int => ValueType::Int,
                Kind::Float => ValueType::Float,
                Kind::String => ValueType::String,
                Kind::Path => ValueType::Path,
                _ => ValueType::Function,
            },
        }
    }

    /// The value that an evaluated thunk holds; anything else unchanged.
    #[inline(always)]
    pub fn resolved(self) -> Value {
        match self.as_thunk_rarely() {
            Some(thunk) => thunk.value().unwrap_or(self),
            None => self,
        }
    }

    /// The same, where thunks come as often as anything else, but few are evaluated.
    #[inline(always)]
    pub fn resolved_thunk(self) -> Value {
        if let Some(thunk) = self.as_thunk()
            && let Some(value) = thunk.value()
        {
            cold_path();
            return value;
        }
        self
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.value_type())
    }
}
