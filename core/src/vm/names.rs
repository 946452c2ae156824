//! Names of attributes as string values, and strings as names: both come up again and again for the same few names, so that neither is
//! made nor looked up each time.

use super::machine::Vm;
use crate::heap::Value;
use crate::symbol::Symbol;

/// Short strings whose symbols are remembered, a power of two.
const SHORT: usize = 256;
/// Names that come before this one are early.
const EARLY: usize = 1 << 14;

/// What is remembered of names.
pub(super) struct KnownNames {
    /// The string of each symbol, or null.
    strings: Vec<Value>,
    /// Short strings, which have no object that could say it, each in a place that follows from its word, and their symbols.
    short: Box<[(u64, Symbol); SHORT]>,
}

impl Default for KnownNames {
    fn default() -> Self {
        KnownNames {
            strings: Vec::new(),
            // No string has the word of null.
            short: Box::new([(Value::NULL.to_word(), Symbol(0)); SHORT]),
        }
    }
}

impl KnownNames {
    /// Forgets the strings: a collection may free them.
    pub(super) fn clear(&mut self) {
        self.strings.clear();
    }
}

impl Vm {
    /// A string value with the text of a name.
    #[inline]
    pub(crate) fn name_value(&mut self, name: Symbol) -> Value {
        match self.known_names.strings.get(name.0 as usize) {
            Some(known) if !known.is_null() => *known,
            _ => self.new_name_value(name),
        }
    }

    #[inline(never)]
    fn new_name_value(&mut self, name: Symbol) -> Value {
        let index = name.0 as usize;
        let string = self.heap.string(self.interner.name(name), 0);
        if string.is_heap() {
            string.set_symbol(name);
        }
        // Short ones of names that came early are remembered, too: they come again most often.
        if string.is_heap() || index < EARLY {
            if self.known_names.strings.len() <= index {
                self.known_names.strings.resize(index + 1, Value::NULL);
            }
            self.known_names.strings[index] = string;
        }
        string
    }

    /// See [`Interner::look_ahead`](crate::symbol::Interner::look_ahead); the name that a string is.
    #[inline]
    pub(crate) fn look_ahead(&self, string: Value) {
        if let Some((text, _)) = string.as_string_with_context()
            && string.symbol().is_none()
        {
            self.interner.look_ahead(text);
        }
    }

    /// The name that a string without context is; nothing for one with a context, and for other values.
    #[inline]
    pub(crate) fn string_symbol(&mut self, string: Value) -> Option<Symbol> {
        let (text, context) = string.as_string_with_context()?;
        if context != 0 {
            return None;
        }
        if string.is_heap() {
            if let Some(known) = string.symbol() {
                return Some(known);
            }
            let symbol = self.interner.intern(text);
            string.set_symbol(symbol);
            return Some(symbol);
        }
        let word = string.to_word();
        let place = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % SHORT;
        let known = self.known_names.short[place];
        if known.0 == word {
            return Some(known.1);
        }
        let symbol = self.interner.intern(text);
        self.known_names.short[place] = (word, symbol);
        Some(symbol)
    }
}
