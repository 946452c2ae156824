//! Making objects: one function for each kind, which lays out what [`object`](super::object) describes.

use super::block::Heap;
use super::copy::copy_values;
use super::object::{Captured, Kind, List, Object, Partial, Thunk, ThunkState, thunk_words};
use super::sets::{AnyAttrs, Attrs, KeyEntry, Keys, keys_words};
use super::shapes::MAX_INTERNED;
use super::word::{TAG_OBJECT, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::text::copy_text;

/// The most bytes of a string or path.
pub const MAX_STRING: usize = u32::MAX as usize;

impl Heap {
    /// An integer.
    #[inline(always)]
    pub fn int(&mut self, value: i64) -> Value {
        match Value::inline_int(value) {
            Some(word) => word,
            None => self.boxed(Kind::Int, value as u64),
        }
    }

    /// A float.
    pub fn float(&mut self, value: f64) -> Value {
        self.boxed(Kind::Float, value.to_bits())
    }

    fn boxed(&mut self, kind: Kind, bits: u64) -> Value {
        let object = self.allocate(2, Object::make_header(kind, 0, 0));
        object.set_word(0, bits);
        Value::from_object(object, TAG_OBJECT)
    }

    /// A string, with the id of its context.
    #[inline]
    pub fn string(&mut self, bytes: &[u8], context: u32) -> Value {
        if context == 0
            && let Some(short) = Value::short_string(bytes)
        {
            return short;
        }
        self.text(Kind::String, bytes.len(), context, |out| {
            copy_text(bytes, out)
        })
    }

    /// The string that strings of `len` bytes together come to.
    #[inline]
    pub fn string_of(
        &mut self,
        parts: impl Iterator<Item = Value> + Clone,
        len: usize,
        context: u32,
    ) -> Value {
        if context == 0
            && let Some(short) = Value::short_string_of(parts.clone(), len)
        {
            return short;
        }
        let object = self.unwritten_text(Kind::String, len, context);
        let (out, mut end) = (object.whole_words_mut(), 0);
        for part in parts {
            let rest = &mut out[end..];
            if let Some((bits, len)) = part.short_bits()
                && let Some(word) = rest.first_chunk_mut::<8>()
            {
                // How long it is decides nothing: what is behind is written after it, or has to be zeros.
                *word = bits.to_le_bytes();
                end += len;
            } else {
                let bytes = part.as_string().unwrap_or_default();
                copy_text(bytes, &mut rest[..bytes.len()]);
                end += bytes.len();
            }
        }
        debug_assert_eq!(end, len, "as long as was said");
        Value::from_object(object, TAG_OBJECT)
    }

    /// A path of `len` bytes that `fill` writes.
    pub fn path_of(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Value {
        self.text(Kind::Path, len, 0, fill)
    }

    /// A path.
    pub fn path(&mut self, bytes: &[u8]) -> Value {
        self.text(Kind::Path, bytes.len(), 0, |out| out.copy_from_slice(bytes))
    }

    fn text(
        &mut self,
        kind: Kind,
        len: usize,
        context: u32,
        fill: impl FnOnce(&mut [u8]),
    ) -> Value {
        let object = self.unwritten_text(kind, len, context);
        fill(object.bytes_mut());
        Value::from_object(object, TAG_OBJECT)
    }

    /// A string or path whose bytes the caller writes.
    fn unwritten_text(&mut self, kind: Kind, len: usize, context: u32) -> Object {
        assert!(len <= MAX_STRING, "strings are limited to 4 GiB");
        let object = self.allocate(2 + len.div_ceil(8), Object::make_header(kind, 0, len));
        object.set_word(0, u64::from(context));
        if len > 0 {
            object.set_word(len.div_ceil(8), 0);
        }
        object
    }

    /// A list of `len` nulls, to be filled.
    #[inline]
    pub fn list(&mut self, len: usize) -> List {
        if len == 0
            && let Some(empty) = self.empty_list
        {
            return empty;
        }
        let object = self.allocate(1 + len.max(1), Object::make_header(Kind::List, 0, len));
        let list = List(object);
        list.items_mut().fill(Value::NULL);
        list
    }

    /// The items of `left`, then those of `right`.
    pub fn concat(&mut self, left: List, right: List) -> List {
        if left.is_empty() {
            return right;
        }
        if right.is_empty() {
            return left;
        }
        let list = self.list(left.len() + right.len());
        let (first, second) = list.items_mut().split_at_mut(left.len());
        copy_values(left.items(), first);
        copy_values(right.items(), second);
        list
    }

    /// A list of these values.
    #[inline]
    pub fn list_of(&mut self, items: &[Value]) -> List {
        if items.is_empty() {
            return self.list(0);
        }
        let list = List(self.allocate(
            1 + items.len(),
            Object::make_header(Kind::List, 0, items.len()),
        ));
        copy_values(items, list.items_mut());
        list
    }

    /// Keys; `entries` are sorted by symbol and distinct.
    pub fn keys(&mut self, entries: &[KeyEntry]) -> Keys {
        debug_assert!(
            entries.is_sorted_by(|a, b| a.name < b.name),
            "keys are sorted and distinct"
        );
        self.keys_of(entries.len(), entries.iter().copied())
    }

    /// Keys of `len` entries, which are sorted by symbol and distinct. Those of usual size exist once: sets with the same
    /// names of the same places are of one shape, however they came about.
    pub fn keys_of(&mut self, len: usize, entries: impl Iterator<Item = KeyEntry>) -> Keys {
        let keys = Keys(self.allocate(keys_words(len), Object::make_header(Kind::Keys, 0, len)));
        keys.0.set_word(0, 0);
        keys.0.set_word(1, 0);
        let mut filled = 0;
        for entry in entries.take(len) {
            keys.set_entry(filled, entry);
            filled += 1;
        }
        assert!(filled == len, "as many entries as were announced");
        if len <= MAX_INTERNED
            && let Some(known) = self.shapes.intern(keys)
        {
            self.take_back(keys.0, keys_words(len));
            return known;
        }
        debug_assert!(
            keys.entries().is_sorted_by(|a, b| a.name < b.name),
            "keys are sorted and distinct"
        );
        keys
    }

    /// The same names without positions. Keys that have none are their own: else each would refer to another, in a chain.
    pub fn without_positions(&mut self, keys: Keys) -> Keys {
        keys.without_positions().unwrap_or_else(|| {
            let entries = keys.entries().iter().map(|entry| KeyEntry {
                name: entry.name,
                pos: Pos::NONE,
            });
            let plain = if keys.entries().iter().any(|entry| entry.pos.is_some()) {
                self.keys_of(keys.len(), entries)
            } else {
                keys
            };
            keys.keep_without_positions(plain);
            self.changed(keys.0);
            plain
        })
    }

    /// A set of that shape whose values the caller sets before the next safepoint.
    #[inline]
    pub fn attrs_unfilled(&mut self, keys: Keys) -> Attrs {
        let len = keys.len();
        let object = self.allocate(2 + len, Object::make_header(Kind::Attrs, 0, len));
        object.set_word(0, keys.address() as u64);
        Attrs(object)
    }

    /// A set of that shape, all null, to be filled.
    #[inline]
    pub fn attrs(&mut self, keys: Keys) -> Attrs {
        let len = keys.len();
        if len == 0
            && let Some(empty) = self.empty_attrs
        {
            return empty;
        }
        let attrs = Attrs(self.allocate(2 + len, Object::make_header(Kind::Attrs, 0, len)));
        attrs.0.set_word(0, keys.address() as u64);
        attrs.values_mut().fill(Value::NULL);
        attrs
    }

    /// A set of that shape with these values.
    #[inline]
    pub fn attrs_of(&mut self, keys: Keys, values: &[Value]) -> Attrs {
        let len = values.len();
        debug_assert_eq!(len, keys.len(), "a value for each key");
        let attrs = Attrs(self.allocate(2 + len, Object::make_header(Kind::Attrs, 0, len)));
        attrs.0.set_word(0, keys.address() as u64);
        copy_values(values, attrs.values_mut());
        attrs
    }

    /// The attributes of `over` and, where that has no such name, those of `base`: `len` together.
    pub fn layers(&mut self, base: AnyAttrs, over: Attrs, len: usize) -> AnyAttrs {
        let object = self.allocate(5, Object::make_header(Kind::Layers, 0, len));
        object.set_word(0, 0);
        object.set_word(1, base.0.address() as u64);
        object.set_word(2, over.0.address() as u64);
        object.set_word(3, 0);
        AnyAttrs(object)
    }

    /// A set of entries in any order, which are sorted; of entries with one name the first stays.
    pub fn attrs_from(&mut self, entries: &mut [(Symbol, Pos, Value)]) -> Attrs {
        if !entries.is_sorted_by_key(|entry| entry.0) {
            entries.sort_by_key(|entry| entry.0);
        }
        let mut last = None;
        let firsts = entries.iter().filter(move |entry| {
            let before = last.replace(entry.0);
            before != last
        });
        let len = firsts.clone().count();
        let keys = firsts.clone().map(|(name, pos, _)| KeyEntry {
            name: *name,
            pos: *pos,
        });
        let keys = self.keys_of(len, keys);
        let attrs = self.attrs(keys);
        for (slot, entry) in attrs.values_mut().iter_mut().zip(firsts) {
            *slot = entry.2;
        }
        attrs
    }

    /// A closure or thunk, by `kind`, of code at address `code`, its captures null.
    ///
    /// # Safety
    /// As of [`Heap::capturing_unfilled`].
    #[inline]
    pub unsafe fn capturing(&mut self, kind: Kind, code: usize, captures: usize) -> Captured {
        // SAFETY: the caller's promise.
        let object = unsafe { self.capturing_unfilled(kind, code, captures) };
        // Without a look at the code, which may not be at hand.
        object.0.values_mut(0, captures).fill(Value::NULL);
        object
    }

    /// The same, for a caller that sets all captures before the next safepoint.
    ///
    /// # Safety
    /// At `code` there is a [`CodeHead`](super::CodeHead) with this number of captures, for as long as the heap lives.
    #[inline(always)]
    pub unsafe fn capturing_unfilled(
        &mut self,
        kind: Kind,
        code: usize,
        captures: usize,
    ) -> Captured {
        let words = match kind {
            Kind::Thunk => thunk_words(captures),
            _ => 1 + captures,
        };
        let header = Object::code_header(kind, code);
        let object = Captured(self.allocate(words, header));
        debug_assert_eq!(object.len(), captures, "what the code says");
        object
    }

    /// A closure or thunk of that [`Captured::header`] and of `words` words, if there is room for `captures` behind the header, all of which may
    /// be written; for a caller that does that before anything else is allocated.
    ///
    /// # Safety
    /// As of [`Heap::capturing_unfilled`]; `words` is what such an object takes.
    #[inline(always)]
    pub unsafe fn with_room(
        &mut self,
        header: u64,
        words: usize,
        captures: usize,
    ) -> Option<Captured> {
        let start = self.cursor;
        if self.limit - start < (1 + captures) * 8 {
            return None;
        }
        self.cursor = start + words * 8;
        let object = Object::from_address(start);
        object.set_header(header);
        Some(Captured(object))
    }

    /// A thunk that applies `function` to `args`.
    #[inline]
    pub fn apply_thunk(&mut self, function: Value, args: &[Value]) -> Thunk {
        let object = self.allocate(
            2 + args.len(),
            Object::make_header(Kind::Thunk, ThunkState::Apply as u8, args.len()),
        );
        object.set_word(0, function.to_word());
        copy_values(args, object.values_mut(1, args.len()));
        Thunk(object)
    }

    /// `function` with `held` and then `args`.
    pub fn partial(&mut self, function: Value, held: &[Value], args: &[Value]) -> Partial {
        let len = held.len() + args.len();
        let object = self.allocate(2 + len, Object::make_header(Kind::Partial, 0, len));
        object.set_word(0, function.to_word());
        let slots = object.values_mut(1, len);
        copy_values(held, &mut slots[..held.len()]);
        copy_values(args, &mut slots[held.len()..]);
        Partial(object)
    }
}
