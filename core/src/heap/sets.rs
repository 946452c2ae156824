//! Attribute sets: their shapes, and the forms that they come in. [`object`](super::object) draws how they are laid out.

use super::object::{List, Object, STATE_SHIFT, counted};
use super::word::{TAG_ATTRS, Value};
use crate::source::Pos;
use crate::symbol::Symbol;

/// The state of a set whose members are evaluated.
const SETTLED: u8 = 1;

/// Words of keys of so many entries.
#[inline(always)]
pub(super) fn keys_words(entries: usize) -> usize {
    3 + entries
}

/// One name of a [`Keys`], with the position of the attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct KeyEntry {
    /// The name.
    pub name: Symbol,
    /// Where the attribute was written.
    pub pos: Pos,
}

counted!(Keys AnyAttrs Attrs);

/// The shape of attribute sets: their names, sorted by symbol, shared between sets. Its address identifies it to inline caches.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Keys(pub(super) Object);

impl Keys {
    /// The entries, sorted by symbol.
    #[inline(always)]
    pub fn entries<'a>(self) -> &'a [KeyEntry] {
        // SAFETY: a `KeyEntry` is two u32, as long as a word; entries follow the third word.
        unsafe {
            std::slice::from_raw_parts(self.0.0.as_ptr().add(3).cast::<KeyEntry>(), self.0.len())
        }
    }

    /// Sets an entry, while they are being built: as one word, since it is compared and hashed as one.
    #[inline(always)]
    pub(super) fn set_entry(self, index: usize, entry: KeyEntry) {
        debug_assert!(index < self.len(), "an entry that exists");
        let [a, b, c, d] = entry.name.0.to_ne_bytes();
        let [e, f, g, h] = entry.pos.0.to_ne_bytes();
        self.0
            .set_word(2 + index, u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }

    /// The index of `name`.
    #[inline]
    pub fn index_of(self, name: Symbol) -> Option<usize> {
        let entries = self.entries();
        if entries.len() <= 8 {
            return entries.iter().position(|entry| entry.name == name);
        }
        entries.binary_search_by_key(&name, |entry| entry.name).ok()
    }

    /// Address, for inline caches.
    #[inline(always)]
    pub fn address(self) -> usize {
        self.0.address()
    }

    /// The cached list of indices in the order of the names' text.
    pub fn name_order(self) -> Option<List> {
        match self.0.word(0) {
            0 => None,
            address => Some(List(Object::from_address(address as usize))),
        }
    }

    /// Keeps that order; see [`Heap::set_name_order`](super::Heap::set_name_order).
    pub(super) fn keep_name_order(self, order: List) {
        self.0.set_word(0, order.0.address() as u64);
    }

    /// The keys of the same names without positions, once somebody has wanted them.
    pub(super) fn without_positions(self) -> Option<Keys> {
        match self.0.word(1) {
            0 => None,
            address => Some(Keys(Object::from_address(address as usize))),
        }
    }

    /// Keeps these keys; the caller tells the heap.
    pub(super) fn keep_without_positions(self, keys: Keys) {
        self.0.set_word(1, keys.0.address() as u64);
    }
}

/// An attribute set of any form.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct AnyAttrs(pub(super) Object);

/// What [`AnyAttrs`] is.
#[derive(Clone, Copy)]
pub enum Form {
    /// Its attributes lie side by side.
    Flat(Attrs),
    /// Those of the second and, where that has no such name, those of the first.
    Layers(AnyAttrs, Attrs),
}

impl AnyAttrs {
    /// The address of its shape, for inline caches; 0 if it has layers.
    #[inline(always)]
    pub fn shape(self) -> usize {
        self.0.word(0) as usize
    }

    /// The value of entry `index` of its shape, of which it must have one.
    #[inline(always)]
    pub fn value_at(self, index: usize) -> Value {
        debug_assert!(
            self.shape() != 0 && index < self.len(),
            "an entry of its shape"
        );
        self.0.value(1 + index)
    }

    /// What it is.
    #[inline]
    pub fn form(self) -> Form {
        if self.shape() != 0 {
            return Form::Flat(Attrs(self.0));
        }
        match self.0.word(3) {
            0 => Form::Layers(
                AnyAttrs(Object::from_address(self.0.word(1) as usize)),
                Attrs(Object::from_address(self.0.word(2) as usize)),
            ),
            flat => Form::Flat(Attrs(Object::from_address(flat as usize))),
        }
    }

    /// From now on it is that set, which has the same attributes; see [`Heap::set_flat`](super::Heap::set_flat).
    pub(super) fn keep_flat(self, flat: Attrs) {
        debug_assert!(self.shape() == 0, "it has layers");
        debug_assert_eq!(self.len(), flat.len(), "the same attributes");
        self.0.set_word(3, flat.0.address() as u64);
        self.0.set_word(1, 0);
        self.0.set_word(2, 0);
    }

    /// The attribute `name`.
    #[inline]
    pub fn get(self, name: Symbol) -> Option<Value> {
        self.place(name).map(|(attrs, index)| attrs.value_at(index))
    }

    /// The attribute `name` with its position.
    #[inline(always)]
    pub fn get_with_pos(self, name: Symbol) -> Option<(Value, Pos)> {
        self.place(name)
            .map(|(attrs, index)| (attrs.value_at(index), attrs.keys().entries()[index].pos))
    }

    /// Where the attribute `name` is: what is answered fits in registers.
    fn place(self, name: Symbol) -> Option<(Attrs, usize)> {
        let mut set = self;
        loop {
            let (attrs, below) = match set.form() {
                Form::Flat(attrs) => (attrs, None),
                Form::Layers(base, over) => (over, Some(base)),
            };
            if let Some(index) = attrs.keys().index_of(name) {
                return Some((attrs, index));
            }
            set = below?;
        }
    }

    /// All attributes, sorted by symbol: for who has no heap to lay them side by side in.
    pub fn members(self) -> Vec<(KeyEntry, Value)> {
        let of = |attrs: Attrs| {
            let values = attrs.values().iter().copied();
            attrs.keys().entries().iter().copied().zip(values)
        };
        let (mut base, mut members) = match self.form() {
            Form::Flat(attrs) => return of(attrs).collect(),
            Form::Layers(base, over) => (base, of(over).collect::<Vec<_>>()),
        };
        loop {
            let (attrs, below) = match base.form() {
                Form::Flat(attrs) => (attrs, None),
                Form::Layers(base, over) => (over, Some(base)),
            };
            // Of those with one name the first stays.
            members.extend(of(attrs));
            match below {
                Some(below) => base = below,
                None => break,
            }
        }
        members.sort_by_key(|(entry, _)| entry.name);
        members.dedup_by_key(|(entry, _)| entry.name);
        members
    }

    /// As a value.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_object(self.0, TAG_ATTRS)
    }
}

impl From<Attrs> for AnyAttrs {
    #[inline(always)]
    fn from(attrs: Attrs) -> Self {
        AnyAttrs(attrs.0)
    }
}

/// An attribute set whose attributes lie side by side.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Attrs(pub(super) Object);

impl Attrs {
    /// Its shape.
    #[inline(always)]
    pub fn keys(self) -> Keys {
        Keys(Object::from_address(self.0.word(0) as usize))
    }

    /// Its values, in the order of the keys.
    #[inline(always)]
    pub fn values<'a>(self) -> &'a [Value] {
        self.0.values(1, self.0.len())
    }

    /// Its values, while it is being built.
    #[inline(always)]
    pub fn values_mut<'a>(self) -> &'a mut [Value] {
        self.0.values_mut(1, self.0.len())
    }

    /// Whether all members are known to be evaluated. They stay so.
    pub fn is_settled(self) -> bool {
        self.0.header() & u64::from(SETTLED) << STATE_SHIFT != 0
    }

    /// Keeps that all members are evaluated.
    pub fn settle(self) {
        debug_assert!(
            !self
                .values()
                .iter()
                .any(|value| value.resolved().is_thunk()),
            "all members are evaluated"
        );
        self.0
            .set_header(self.0.header() | u64::from(SETTLED) << STATE_SHIFT);
    }

    /// The value of entry `index` of its keys.
    #[inline(always)]
    pub fn value_at(self, index: usize) -> Value {
        debug_assert!(index < self.len(), "an entry of the set");
        self.0.value(1 + index)
    }

    /// The attribute `name`.
    #[inline]
    pub fn get(self, name: Symbol) -> Option<Value> {
        self.keys().index_of(name).map(|index| self.values()[index])
    }

    /// As a value.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_object(self.0, TAG_ATTRS)
    }
}
