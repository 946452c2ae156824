//! Allocation: a bump pointer through the holes of 1 MiB blocks; what is larger than a quarter of that stands alone.

use super::copy::copy_values;
use super::object::{
    AnyAttrs, Attrs, Captured, KeyEntry, Keys, Kind, LAST_WALK, List, Object, Partial, Thunk,
    ThunkState, thunk_words,
};
use super::region::Regions;
use super::shapes::{MAX_INTERNED, Shapes};
use super::word::{TAG_OBJECT, Value};
use crate::symbol::Symbol;
use crate::text::copy_text;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::num::NonZeroU16;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of a line, the grain in which collected memory is used again.
pub(super) const LINE_BYTES: usize = 128;
/// Lines of a block.
pub(super) const LINES: usize = BLOCK_BYTES / LINE_BYTES;
/// Objects of more words than this stand alone.
pub(super) const LARGE_WORDS: usize = BLOCK_BYTES / 8 / 4;

/// A block, aligned to its size. Its first lines hold a byte for each line: whether a live object touches it.
#[derive(Clone, Copy)]
pub(super) struct Block(pub(super) usize);

/// Lines that hold the table of lines.
const TABLE_LINES: usize = LINES / LINE_BYTES;

impl Block {
    /// The block that an object which does not stand alone lies in.
    #[inline(always)]
    pub(super) fn of(address: usize) -> Self {
        Block(address & !(BLOCK_BYTES - 1))
    }

    /// Whether each line is live.
    pub(super) fn lines<'a>(self) -> &'a mut [u8; LINES] {
        // SAFETY: a block starts with this table, initialised when the block is made; only the collector looks at it, and
        // never holds two of these views at a time.
        unsafe { &mut *(self.0 as *mut [u8; LINES]) }
    }

    /// The free runs of lines.
    pub(super) fn holes(self) -> impl Iterator<Item = (usize, usize)> {
        let lines = self.lines();
        let mut line = TABLE_LINES;
        std::iter::from_fn(move || {
            while line < LINES && lines[line] != 0 {
                line += 1;
            }
            let start = line;
            while line < LINES && lines[line] == 0 {
                line += 1;
            }
            (start < line).then(|| (self.0 + start * LINE_BYTES, self.0 + line * LINE_BYTES))
        })
    }
}

/// Holes from this size on are wide.
const WIDE_BYTES: usize = 16 << 10;

/// Less than this is allocated without asking the system whether it is there.
const ALWAYS_ROOM: usize = 1 << 30;

/// The most bytes of a string or path.
pub const MAX_STRING: usize = u32::MAX as usize;

/// An object that stands alone.
pub(super) struct Large {
    pub(super) object: Object,
    pub(super) words: usize,
}

/// What the heap has done so far.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeapStatistics {
    /// Bytes held from the system.
    pub reserved: usize,
    /// Bytes allocated in all.
    pub allocated: u64,
    /// Collections.
    pub collections: u64,
    /// Time they took.
    pub collection_time: std::time::Duration,
}

/// The memory of one VM.
pub struct Heap {
    pub(super) cursor: usize,
    pub(super) limit: usize,
    pub(super) blocks: Vec<Block>,
    pub(super) large: Vec<Large>,
    /// Runs of free lines to bump through, newest last.
    holes: Vec<(usize, usize)>,
    /// Wide ones: for when those are used up, and for objects of several lines, which would pass over most of those.
    wide: Vec<(usize, usize)>,
    /// The part that is left of the wide hole that such objects go to.
    beside: (usize, usize),
    /// The mark that says "reached by the last collection"; new objects carry it, too.
    pub(super) polarity: bool,
    /// Bytes allocated since the last collection, in whole holes.
    pub(super) since_collection: usize,
    /// Collect when `since_collection` passes this.
    pub(super) threshold: usize,
    pub(super) first_threshold: usize,
    pub(super) statistics: HeapStatistics,
    /// Collect at every safepoint.
    pub(super) stress: bool,
    /// Bytes that the last collection found alive, and what has been allocated alone since.
    pub(super) live: usize,
    /// More was asked for at once than there is room for.
    exhausted: bool,
    pub(super) max_bytes: usize,
    regions: Regions,
    pub(super) shapes: Shapes,
    /// What has been allocated of each kind, if that is counted: then `limit` stands at `cursor` whenever nothing is allocated, so
    /// that every allocation takes the slow path, and the true limit is here.
    counting: Option<Box<Counting>>,
    /// The last number given to a walk.
    last_walk: u16,
    empty_list: Option<List>,
    empty_attrs: Option<Attrs>,
}

/// Objects of one kind.
#[derive(Clone, Copy, Default, Debug)]
pub struct KindCount {
    /// How many were made.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// See [`Heap::counting`].
struct Counting {
    kinds: [KindCount; Kind::COUNT],
    limit: usize,
}

impl Heap {
    /// An empty heap. `threshold`: bytes allocated before the first collection; `max_bytes`: the limit of the whole.
    pub fn new(threshold: usize, max_bytes: usize, stress: bool) -> Self {
        // A limit is noticed where a collection finds it passed.
        let threshold = threshold.min(max_bytes / 4);
        let mut heap = Heap {
            cursor: 0,
            limit: 0,
            blocks: Vec::new(),
            large: Vec::new(),
            holes: Vec::new(),
            wide: Vec::new(),
            beside: (0, 0),
            polarity: false,
            since_collection: 0,
            // Under stress every safepoint collects.
            threshold: if stress { 0 } else { threshold },
            first_threshold: threshold,
            statistics: HeapStatistics::default(),
            stress,
            live: 0,
            exhausted: false,
            max_bytes,
            regions: Regions::default(),
            shapes: Shapes::default(),
            counting: None,
            last_walk: 0,
            empty_list: None,
            empty_attrs: None,
        };
        let list = heap.list(0);
        heap.empty_list = Some(list);
        let keys = heap.keys(&[]);
        let attrs = heap.attrs(keys);
        heap.empty_attrs = Some(attrs);
        heap
    }

    /// Whether a safepoint should collect.
    #[inline(always)]
    pub fn wants_collection(&self) -> bool {
        self.since_collection >= self.threshold
    }

    /// Whether what was alive at the last collection, and `more` beside it, is beyond the limit.
    pub fn is_over_limit(&self, more: usize) -> bool {
        self.exhausted || self.live.saturating_add(more) > self.max_bytes
    }

    /// Whether something was asked for that there is no room for: an evaluation that has come to this must fail.
    #[inline(always)]
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// How much beside `used`, what was alive at the last collection, and what has been allocated since is within the limit.
    pub fn room_beside(&self, used: usize) -> usize {
        let here = self.live.saturating_add(self.since_collection);
        self.max_bytes.saturating_sub(here.saturating_add(used))
    }

    /// Sees to it that the next collection comes before the heap and `used` beside it are beyond the limit. False where they are, and
    /// under stress.
    pub fn fit_beside(&mut self, used: usize) -> bool {
        let room = self.room_beside(used);
        let latest = self.since_collection.saturating_add(room);
        self.threshold = self.threshold.min(latest);
        room > 0 && !self.stress
    }

    /// Something was asked for that there is no room for, by who cannot fail: the next safepoint does.
    #[cold]
    pub fn exhaust(&mut self) {
        self.exhausted = true;
        self.threshold = 0;
    }

    /// Lets the next safepoint collect.
    #[cold]
    pub fn collect_soon(&mut self) {
        self.threshold = 0;
    }

    /// Whether `bytes` at once are within the limit and what the system gives.
    #[inline]
    pub fn has_room(&self, bytes: usize) -> bool {
        bytes < ALWAYS_ROOM.min(self.max_bytes) || self.has_much_room(bytes)
    }

    #[cold]
    fn has_much_room(&self, bytes: usize) -> bool {
        if self.live.saturating_add(bytes) > self.max_bytes {
            return false;
        }
        if bytes < ALWAYS_ROOM {
            return true;
        }
        let Ok(layout) = Layout::from_size_align(bytes, 16) else {
            return false;
        };
        // SAFETY: the layout has a size; what is allocated is given back untouched.
        unsafe {
            let memory = alloc(layout);
            if memory.is_null() {
                return false;
            }
            dealloc(memory, layout);
        }
        true
    }

    /// A number for a walk over objects that notes where it has been, see [`Object::set_walk`]; none when all have been given out.
    pub fn next_walk(&mut self) -> Option<NonZeroU16> {
        if self.last_walk == LAST_WALK {
            return None;
        }
        self.last_walk += 1;
        NonZeroU16::new(self.last_walk)
    }

    /// The limit, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// What it has done so far.
    pub fn statistics(&self) -> HeapStatistics {
        let limit = self
            .counting
            .as_ref()
            .map_or(self.limit, |counting| counting.limit);
        HeapStatistics {
            allocated: self.statistics.allocated + self.since_collection as u64
                - (limit - self.cursor + self.beside.1 - self.beside.0) as u64,
            ..self.statistics
        }
    }

    pub(super) fn singletons(&self) -> impl Iterator<Item = Value> {
        self.empty_list
            .map(List::value)
            .into_iter()
            .chain(self.empty_attrs.map(Attrs::value))
    }

    #[inline(always)]
    fn allocate(&mut self, words: usize, header: u64) -> Object {
        let bytes = words * 8;
        let start = self.cursor;
        if self.limit - start >= bytes {
            self.cursor = start + bytes;
            let object = Object::from_address(start);
            object.set_header(header);
            return object;
        }
        self.allocate_slow(words, header)
    }

    /// Counts from now on what is allocated of each kind.
    pub fn count_objects(&mut self) {
        self.counting = Some(Box::new(Counting {
            kinds: [KindCount::default(); Kind::COUNT],
            limit: self.limit,
        }));
        self.limit = self.cursor;
    }

    /// How much of each kind was allocated, if it is counted.
    pub fn kinds(&self) -> Option<&[KindCount; Kind::COUNT]> {
        self.counting.as_ref().map(|counting| &counting.kinds)
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&mut self, words: usize, header: u64) -> Object {
        let Some(mut counting) = self.counting.take() else {
            return self.allocate_more(words, header);
        };
        let count = &mut counting.kinds[(header & 0x7f) as usize];
        count.objects += 1;
        count.bytes += words as u64 * 8;
        self.limit = counting.limit;
        let object = self.allocate(words, header);
        counting.limit = std::mem::replace(&mut self.limit, self.cursor);
        self.counting = Some(counting);
        object
    }

    fn allocate_more(&mut self, words: usize, header: u64) -> Object {
        let bytes = words * 8;
        if words > LARGE_WORDS {
            return self.allocate_large(words, header);
        }
        if bytes > LINE_BYTES && !self.holes.is_empty() {
            return self.allocate_beside(bytes, header);
        }
        loop {
            match self.holes.pop().or_else(|| self.wide.pop()) {
                Some((start, end)) => {
                    self.since_collection += end - start;
                    self.cursor = start;
                    self.limit = end;
                }
                None => self.add_block(),
            }
            if self.limit - self.cursor >= bytes {
                return self.allocate(words, header);
            }
        }
    }

    /// Allocates in a wide hole, and leaves the others to what fits in them.
    fn allocate_beside(&mut self, bytes: usize, header: u64) -> Object {
        while self.beside.1 - self.beside.0 < bytes {
            // What is too small for this object is not for others.
            if self.beside.0 < self.beside.1 {
                self.since_collection -= self.beside.1 - self.beside.0;
                self.holes.push(self.beside);
            }
            self.beside = (0, 0);
            match self.wide.pop() {
                Some((start, end)) => {
                    self.since_collection += end - start;
                    self.beside = (start, end);
                }
                None => self.add_block(),
            }
        }
        let object = Object::from_address(self.beside.0);
        self.beside.0 += bytes;
        object.set_header(header);
        object
    }

    /// There are no holes but those that are found from now on.
    pub(super) fn clear_holes(&mut self) {
        self.holes.clear();
        self.wide.clear();
    }

    /// A run of free lines to allocate in.
    pub(super) fn add_hole(&mut self, start: usize, end: usize) {
        if end - start < WIDE_BYTES {
            self.holes.push((start, end));
        } else {
            self.wide.push((start, end));
        }
    }

    /// Allocates from the next hole on.
    pub(super) fn forget_hole(&mut self) {
        self.cursor = 0;
        self.limit = 0;
        self.beside = (0, 0);
        if let Some(counting) = &mut self.counting {
            counting.limit = 0;
        }
    }

    /// Frees the object that was allocated last.
    fn take_back(&mut self, object: Object, words: usize) {
        let (start, end) = (object.address(), object.address() + words * 8);
        if end == self.beside.0 {
            self.beside.0 = start;
        } else {
            debug_assert!(end == self.cursor, "the object that was allocated last");
            self.cursor = start;
        }
        if let Some(counting) = &mut self.counting {
            // Or else the next one would fit and not be counted.
            self.limit = self.cursor;
            debug_assert!(counting.limit >= self.limit, "the true limit is behind");
            let count = &mut counting.kinds[object.kind() as usize];
            count.objects -= 1;
            count.bytes -= words as u64 * 8;
        }
    }

    fn add_block(&mut self) {
        // Its table of lines is all zeros, as everything in it.
        let block = Block(self.regions.block());
        self.blocks.push(block);
        self.statistics.reserved += BLOCK_BYTES;
        for (start, end) in block.holes() {
            self.add_hole(start, end);
        }
    }

    fn allocate_large(&mut self, words: usize, header: u64) -> Object {
        let layout = Self::large_layout(words);
        // SAFETY: the layout has a size.
        let memory = unsafe { alloc(layout) };
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        let object = Object::from_address(memory as usize);
        object.set_header(header);
        self.large.push(Large { object, words });
        self.live += words * 8;
        self.statistics.reserved += words * 8;
        self.since_collection += words * 8;
        object
    }

    pub(super) fn large_layout(words: usize) -> Layout {
        Layout::from_size_align(words * 8, 16).expect("a size that was allocated before")
    }

    #[inline(always)]
    fn header(&self, kind: Kind, state: u8, len: usize) -> u64 {
        Object::make_header(kind, self.polarity, state, len)
    }

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
        let object = self.allocate(2, self.header(kind, 0, 0));
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
        let object = self.allocate(2 + len.div_ceil(8), self.header(kind, 0, len));
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
        let object = self.allocate(1 + len.max(1), self.header(Kind::List, 0, len));
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
        let list = List(self.allocate(1 + items.len(), self.header(Kind::List, 0, items.len())));
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
        let keys = Keys(self.allocate(2 + len, self.header(Kind::Keys, 0, len)));
        keys.0.set_word(0, 0);
        let mut filled = 0;
        for entry in entries.take(len) {
            keys.set_entry(filled, entry);
            filled += 1;
        }
        assert!(filled == len, "as many entries as were announced");
        if len <= MAX_INTERNED
            && let Some(known) = self.shapes.intern(keys)
        {
            self.take_back(keys.0, 2 + len);
            return known;
        }
        debug_assert!(
            keys.entries().is_sorted_by(|a, b| a.name < b.name),
            "keys are sorted and distinct"
        );
        keys
    }

    /// A set of that shape whose values the caller sets before the next safepoint.
    #[inline]
    pub fn attrs_unfilled(&mut self, keys: Keys) -> Attrs {
        let len = keys.len();
        let object = self.allocate(2 + len, self.header(Kind::Attrs, 0, len));
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
        let attrs = Attrs(self.allocate(2 + len, self.header(Kind::Attrs, 0, len)));
        attrs.0.set_word(0, keys.address() as u64);
        attrs.values_mut().fill(Value::NULL);
        attrs
    }

    /// A set of that shape with these values.
    #[inline]
    pub fn attrs_of(&mut self, keys: Keys, values: &[Value]) -> Attrs {
        let len = values.len();
        debug_assert_eq!(len, keys.len(), "a value for each key");
        let attrs = Attrs(self.allocate(2 + len, self.header(Kind::Attrs, 0, len)));
        attrs.0.set_word(0, keys.address() as u64);
        copy_values(values, attrs.values_mut());
        attrs
    }

    /// The attributes of `over` and, where that has no such name, those of `base`: `len` together.
    pub fn layers(&mut self, base: AnyAttrs, over: Attrs, len: usize) -> AnyAttrs {
        let object = self.allocate(5, self.header(Kind::Layers, 0, len));
        object.set_word(0, 0);
        object.set_word(1, base.0.address() as u64);
        object.set_word(2, over.0.address() as u64);
        object.set_word(3, 0);
        AnyAttrs(object)
    }

    /// A set of entries in any order, which are sorted; of entries with one name the first stays.
    pub fn attrs_from(&mut self, entries: &mut [(Symbol, crate::source::Pos, Value)]) -> Attrs {
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

    /// A closure of code at address `code`, its captures null.
    ///
    /// # Safety
    /// As of [`Heap::closure_unfilled`].
    #[inline]
    pub unsafe fn closure(&mut self, code: usize, captures: usize) -> Captured {
        // SAFETY: the caller's promise.
        let closure = unsafe { self.closure_unfilled(code, captures) };
        // Without a look at the code, which may not be at hand.
        closure.0.values_mut(0, captures).fill(Value::NULL);
        closure
    }

    /// The same, for a caller that sets all captures before the next safepoint.
    ///
    /// # Safety
    /// At `code` there is a [`CodeHead`](super::CodeHead) with this number of captures, for as long as the heap lives.
    #[inline(always)]
    pub unsafe fn closure_unfilled(&mut self, code: usize, captures: usize) -> Captured {
        let header = Object::code_header(Kind::Closure, self.polarity, code);
        let closure = Captured(self.allocate(1 + captures, header));
        debug_assert_eq!(closure.len(), captures, "what the code says");
        closure
    }

    /// A closure or thunk, by `kind`, of `words` words, if there is room for `captures` behind its header, all of which may be written;
    /// for a caller that does that before anything else is allocated.
    ///
    /// # Safety
    /// As of [`Heap::closure_unfilled`]; `words` is what such an object takes.
    #[inline(always)]
    pub unsafe fn capturing_with_room(
        &mut self,
        kind: Kind,
        code: usize,
        words: usize,
        captures: usize,
    ) -> Option<Captured> {
        let start = self.cursor;
        if self.limit - start < (1 + captures) * 8 {
            return None;
        }
        self.cursor = start + words * 8;
        let object = Object::from_address(start);
        object.set_header(Object::code_header(kind, self.polarity, code));
        Some(Captured(object))
    }

    /// A thunk of code at address `code`, its captures null.
    ///
    /// # Safety
    /// As of [`Heap::closure_unfilled`].
    #[inline]
    pub unsafe fn thunk(&mut self, code: usize, captures: usize) -> Captured {
        // SAFETY: the caller's promise.
        let thunk = unsafe { self.thunk_unfilled(code, captures) };
        thunk.0.values_mut(0, captures).fill(Value::NULL);
        thunk
    }

    /// The same, for a caller that sets all captures before the next safepoint.
    ///
    /// # Safety
    /// As of [`Heap::closure_unfilled`].
    #[inline(always)]
    pub unsafe fn thunk_unfilled(&mut self, code: usize, captures: usize) -> Captured {
        let header = Object::code_header(Kind::Thunk, self.polarity, code);
        let thunk = Captured(self.allocate(thunk_words(captures), header));
        debug_assert_eq!(thunk.len(), captures, "what the code says");
        thunk
    }

    /// A thunk that applies `function` to `args`.
    #[inline]
    pub fn apply_thunk(&mut self, function: Value, args: &[Value]) -> Thunk {
        let object = self.allocate(
            2 + args.len(),
            self.header(Kind::Thunk, ThunkState::Apply as u8, args.len()),
        );
        object.set_word(0, function.to_word());
        copy_values(args, object.values_mut(1, args.len()));
        Thunk(object)
    }

    /// `function` with `held` and then `args`.
    pub fn partial(&mut self, function: Value, held: &[Value], args: &[Value]) -> Partial {
        let len = held.len() + args.len();
        let object = self.allocate(2 + len, self.header(Kind::Partial, 0, len));
        object.set_word(0, function.to_word());
        let slots = object.values_mut(1, len);
        copy_values(held, &mut slots[..held.len()]);
        copy_values(args, &mut slots[held.len()..]);
        Partial(object)
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        for large in &self.large {
            // SAFETY: allocated by `allocate_large` with this layout.
            unsafe {
                dealloc(
                    large.object.address() as *mut u8,
                    Self::large_layout(large.words),
                )
            };
        }
    }
}
