//! Strings, paths and names.

use super::cx::{Cx, host};
use super::error::Result;
use crate::abi::{Bytes, NO_SYMBOL, coerce};
use crate::union::Union;
use crate::value::{Type, Value};

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

impl<'f> Cx<'f> {
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

    /// Adds the context of a value to a union of many.
    #[inline]
    pub fn add_context(self, all: &mut Union<StringContext>, value: &Value<'f>) {
        all.add(self.context(value), |a, b| self.context_union(a, b));
    }

    /// The union of all.
    pub fn context_union_of(self, all: Union<StringContext>) -> StringContext {
        all.finish(|a, b| self.context_union(a, b))
            .unwrap_or_default()
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
        if let Ok(mut rest @ 0..10_000_000) = u32::try_from(number) {
            // The digits of one that takes few are put together in a register: what is written into memory in pieces cannot be read as a
            // word at once.
            let (mut word, mut count) = (0u64, 0);
            loop {
                word = word << 8 | u64::from(b'0') | u64::from(rest % 10);
                count += 1;
                rest /= 10;
                if rest == 0 {
                    return self.string(&word.to_le_bytes()[..count]);
                }
            }
        }
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
}
