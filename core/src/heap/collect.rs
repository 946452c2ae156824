//! Collection: mark what the roots reach, with a stack of its own; then free whole lines.
//!
//! Most collections mark what is new alone: what has outlived one is taken to be alive, and what it refers to is old, too, but for what
//! has been put into it since, which [`change`](super::change) notes. The lines of old objects stay marked. Only when much more is
//! alive, or taken to be, than the last collection of everything has found is the next one of everything. Under a limit of memory all
//! are: what is dead must not count for it.

use super::block::{Block, Heap, LINE_BYTES};
use super::object::{Captured, Kind, Mark, Object, Thunk};
use super::sets::Keys;
use super::word::Value;
use piton_plugin_api::hint::cold_path;
use std::alloc::dealloc;
use std::time::Instant;

/// Takes roots, and marks what they reach.
pub struct Marker {
    pending: Vec<Object>,
    /// Long lists and sets, with the first of their words that has not been looked at.
    long: Vec<(Object, usize)>,
    mark: Mark,
    /// Whether thunks stand alone, as those with very many captures do.
    has_large_thunks: bool,
    /// Objects of more words than this stand alone.
    large_words: usize,
    /// The addresses of all blocks, sorted.
    blocks: Vec<usize>,
}

/// So many words of a list or set are looked at before what they refer to: else what is pending could take as much memory as the longest
/// list.
const PIECE: usize = 1024;

impl Marker {
    /// A root.
    #[inline]
    pub fn value(&mut self, value: Value) {
        if let Some(object) = value.object() {
            self.object(object);
        }
    }

    /// Roots.
    pub fn values(&mut self, values: &[Value]) {
        for piece in values.chunks(PIECE) {
            for value in piece {
                self.value(*value);
            }
            self.catch_up();
        }
    }

    /// Marks what roots reach that have been taken: else what is pending could take as much memory as they do. To be called now and
    /// then by who has many.
    pub fn catch_up(&mut self) {
        if self.pending.len() > PIECE {
            self.run();
        }
    }

    /// Keys that somebody outside of the heap holds.
    pub fn keys(&mut self, keys: Keys) {
        self.object(keys.0);
    }

    /// The closure or thunk of a frame.
    pub fn captured(&mut self, captured: Captured) {
        self.object(captured.0);
    }

    /// An old object that may refer to new ones.
    fn changed(&mut self, object: Object) {
        debug_assert!(
            object.is_old(),
            "others are looked at when they are reached"
        );
        if object.kind() == Kind::Thunk
            && let Some(value) = Thunk(object).value()
        {
            // What else it held is no longer its own.
            self.value(value);
        } else {
            self.pending.push(object);
        }
    }

    /// Any object.
    #[inline]
    pub fn object(&mut self, object: Object) {
        self.reach(object);
    }

    /// Marks an object, and what can be marked with it at once: a thunk that has a value is left for that, and a string refers to
    /// nothing. What else it refers to is pending.
    #[inline(always)]
    fn reach(&mut self, object: Object) {
        let mut object = object;
        loop {
            if object.has(self.mark) {
                return;
            }
            object.set(self.mark);
            match object.kind() {
                Kind::Thunk => {
                    let Some(value) = Thunk(object).value() else {
                        break;
                    };
                    // Nobody asks for the rest of it any more. How large it was tells its code, which may not be at hand: only
                    // where there are some that lie in no block.
                    let words = if self.has_large_thunks {
                        cold_path();
                        object.size_in_words(Kind::Thunk)
                    } else {
                        2
                    };
                    self.lines(object, words);
                    match value.object() {
                        Some(next) => object = next,
                        None => return,
                    }
                }
                Kind::String => {
                    return self.lines(object, object.size_in_words(Kind::String));
                }
                _ => break,
            }
        }
        self.pending.push(object);
    }

    /// What the `count` last words of a list or set, from `from` on, refer to.
    #[inline(always)]
    fn members(&mut self, object: Object, from: usize, count: usize) {
        let mut count = count;
        if count > PIECE {
            cold_path();
            self.long.push((object, from + PIECE));
            count = PIECE;
        }
        self.words_of(object, from, count);
    }

    /// The kinds that come most often are told by comparisons: one `match` would be one indirect jump, which the processor guesses wrong
    /// as often as kinds change.
    fn run(&mut self) {
        loop {
            while let Some(object) = self.pending.pop() {
                let kind = object.kind();
                if kind == Kind::Thunk {
                    self.thunk(object);
                } else if kind == Kind::Attrs {
                    let len = object.len();
                    self.lines(object, object.size_in_words(Kind::Attrs));
                    self.reach(Object::from_address(object.word(0) as usize));
                    // The first word of a set is not a value.
                    self.members(object, 1, len);
                } else if kind == Kind::List {
                    let len = object.len();
                    self.lines(object, object.size_in_words(Kind::List));
                    self.members(object, 0, len);
                } else {
                    self.other(object);
                }
            }
            let Some((object, from)) = self.long.pop() else {
                return;
            };
            let end = usize::from(object.kind() == Kind::Attrs) + object.len();
            self.members(object, from, end - from);
        }
    }

    /// Marks the lines that an object of so many words lies in.
    #[inline(always)]
    fn lines(&mut self, object: Object, words: usize) {
        let block = Block::of(object.address());
        debug_assert!(
            words > self.large_words || self.blocks.binary_search(&block.0).is_ok(),
            "what does not stand alone lies in a block"
        );
        // A large object lies in a block, too, where one had as much room left when it was made.
        if words <= self.large_words || self.blocks.binary_search(&block.0).is_ok() {
            let first = (object.address() - block.0) / LINE_BYTES;
            let last = (object.address() + words * 8 - 1 - block.0) / LINE_BYTES;
            let lines = block.lines();
            lines[first] = 1;
            lines[last] = 1;
            if last - first > 1 {
                lines[first + 1..last].fill(1);
            }
        }
    }

    /// A thunk without a value.
    #[inline(always)]
    fn thunk(&mut self, object: Object) {
        let thunk = Thunk(object);
        let held = if thunk.applies() {
            object.len() + 1
        } else {
            Captured(object).len()
        };
        self.lines(object, object.size_in_words(Kind::Thunk));
        self.words_of(object, 0, held);
    }

    #[inline(never)]
    fn other(&mut self, object: Object) {
        let kind = object.kind();
        self.lines(object, object.size_in_words(kind));
        match kind {
            Kind::Int | Kind::Float | Kind::Path => {}
            Kind::Keys => {
                let keys = Keys(object);
                if let Some(order) = keys.name_order() {
                    self.reach(order.0);
                }
                if let Some(plain) = keys.without_positions() {
                    self.reach(plain.0);
                }
            }
            Kind::Layers => {
                for word in 1..4 {
                    if object.word(word) != 0 {
                        self.reach(Object::from_address(object.word(word) as usize));
                    }
                }
            }
            Kind::Closure => self.words_of(object, 0, Captured(object).len()),
            Kind::Partial => self.words_of(object, 0, object.len() + 1),
            Kind::Thunk | Kind::Attrs | Kind::List | Kind::String => {
                unreachable!("they come more often")
            }
        }
    }

    /// What `count` words of an object from `from` on refer to.
    #[inline(always)]
    fn words_of(&mut self, object: Object, from: usize, count: usize) {
        for value in object.values(from, count) {
            if let Some(object) = value.object() {
                self.reach(object);
            }
        }
    }
}

impl Heap {
    /// Frees what `roots` does not reach, all of it or what is new of it. Only at a safepoint: no handle that is not below a root survives.
    /// `beside`: bytes that are in use beside the heap.
    pub fn collect(&mut self, beside: usize, roots: impl Fn(&mut Marker)) {
        let begun = Instant::now();
        self.statistics.allocated += self.since_collection as u64;
        self.shapes.clear();
        let full = !self.tells_new() || self.found >= self.full_from;
        // Under stress both, one after the other: the first finds changes that have not been noted, the second roots that are missing.
        if !full || self.stress {
            let mark = Mark::of_what_is_new(self.polarity);
            let changed = std::mem::take(&mut self.changed);
            self.mark(mark, &changed, &roots);
            self.sweep(beside, mark);
        }
        if full || self.stress {
            self.polarity = !self.polarity;
            for block in &self.blocks {
                block.lines()[..].fill(0);
            }
            let mark = Mark::of_everything(self.polarity);
            self.changed.clear();
            self.mark(mark, &[], &roots);
            self.sweep(beside, mark);
            self.full_from = full_from(self.live).max(self.first_threshold);
        }
        self.statistics.collections += 1;
        self.statistics.collection_time += begun.elapsed();
    }

    /// Whether most collections mark what is new alone.
    pub(super) fn tells_new(&self) -> bool {
        !self.is_limited() || self.stress
    }

    fn mark(&mut self, mark: Mark, changed: &[Vec<Object>], roots: &impl Fn(&mut Marker)) {
        let mut blocks: Vec<usize> = self.blocks.iter().map(|block| block.0).collect();
        blocks.sort_unstable();
        let mut marker = Marker {
            pending: Vec::new(),
            long: Vec::new(),
            mark,
            large_words: self.large_words,
            has_large_thunks: (self.large.iter()).any(|large| large.object.kind() == Kind::Thunk),
            blocks,
        };
        for value in self.singletons() {
            marker.value(value);
        }
        for piece in changed {
            for object in piece {
                marker.changed(*object);
            }
            marker.catch_up();
        }
        roots(&mut marker);
        marker.run();
    }

    fn sweep(&mut self, beside: usize, mark: Mark) {
        self.clear_holes();
        let mut free = 0;
        for index in 0..self.blocks.len() {
            for (start, end) in self.blocks[index].holes() {
                free += end - start;
                if self.stress {
                    // A value that was not rooted then reads as nonsense at once, not when the memory is used again.
                    // SAFETY: the lines hold nothing live.
                    unsafe { (start as *mut u8).write_bytes(0xdb, end - start) };
                }
                self.add_hole(start, end);
            }
        }
        let mut freed = 0;
        self.large.retain(|large| {
            let live = large.object.has(mark);
            if !live {
                let layout = Self::large_layout(large.words);
                freed += layout.size();
                // SAFETY: allocated with this layout; nothing reaches it any more.
                unsafe { dealloc(large.object.address() as *mut u8, layout) };
            }
            live
        });
        self.statistics.reserved -= freed;
        self.forget_hole();
        self.since_collection = 0;
        self.live = self.statistics.reserved - free;
        self.found = self.live;
        if !self.stress {
            let wanted = if self.tells_new() {
                growth(self.live, beside)
            } else {
                growth_of_all(self.live)
            };
            self.due = self.first_threshold.max(wanted);
            self.threshold = self.due.min(self.step(beside));
        }
    }

    /// How much is allocated until it is looked again how much room there is: half of it, since what is not the heap grows as well; near
    /// the limit a collection is due, but not at every turn.
    fn step(&self, beside: usize) -> usize {
        if !self.is_limited() {
            return usize::MAX;
        }
        if self.room_beside(beside) == 0 {
            // It has to be seen whether that is so because of what has been freed, and not given back yet.
            return self.max_bytes / 64;
        }
        let room = self.room_beside(beside.saturating_add(self.margin()));
        (room / 2).max(self.margin())
    }

    /// Whether a collection is not due yet, where a safepoint asks for one to see how much room there is within the limit.
    pub fn can_wait(&mut self, beside: usize) -> bool {
        let waits = self.threshold > 0
            && self.since_collection < self.due
            && self.room_beside(beside.saturating_add(self.margin())) > self.margin();
        if waits {
            let next = self.since_collection.saturating_add(self.step(beside));
            self.threshold = self.due.min(next);
        }
        waits
    }
}

/// How much is allocated before the next collection, by what is alive: one of what is new costs what of it stays alive, a look at all lines,
/// and one at all that lies on the stacks and beside them, which are roots.
fn growth(live: usize, beside: usize) -> usize {
    /// A heap up to this size may double, one of twice that grows by as much.
    const FEW: usize = 80 << 20;
    let grown = (live / 2).max(live.min(FEW));
    grown.saturating_add(beside.saturating_mul(2))
}

/// The same where each collection is of everything: to mark a byte takes about a third of the time in which one is allocated and used, so
/// that collecting takes less than a tenth of all. A large heap grows by less.
fn growth_of_all(live: usize) -> usize {
    const MUCH: usize = 1 << 30;
    live.saturating_mul(5).min(live.max(MUCH))
}

/// How much may be taken to be alive before everything is marked again, by what that has found alive: what only grows is then marked
/// less than three times in all.
fn full_from(live: usize) -> usize {
    live.saturating_add(live / 2 * 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::{Form, KeyEntry};
    use crate::source::Pos;
    use crate::symbol::Symbol;

    fn heap() -> Heap {
        Heap::new(1 << 20, usize::MAX, false)
    }

    fn text(number: usize) -> String {
        format!("text number {number}, which is no short string")
    }

    fn texts(heap: &mut Heap, count: usize) -> Value {
        let items: Vec<Value> = (0..count)
            .map(|number| heap.string(text(number).as_bytes(), 0))
            .collect();
        heap.list_of(&items).value()
    }

    #[test]
    fn what_is_taken_stays_within_a_limit_where_little_fits_in_what_is_free() {
        const LIMIT: usize = 16 << 20;
        const LARGE: usize = 32 << 10;
        let mut heap = Heap::new(1 << 20, LIMIT, false);
        let mut every_second = Vec::new();
        for number in 0..80_000 {
            let string = heap.string(&[b'x'; 110], 0);
            if number % 2 == 0 {
                every_second.push(string);
            }
        }
        let kept = heap.list_of(&every_second).value();
        heap.collect(0, |marker| marker.value(kept));
        let before = heap.statistics.reserved;
        assert!(before > LIMIT / 2 && !heap.wants_collection());
        while !heap.wants_collection() {
            heap.list(LARGE / 8);
        }
        let after = heap.statistics.reserved;
        assert!(after > before && after < LIMIT, "{before}, {after}");
    }

    #[test]
    fn what_is_put_into_old_objects_outlives_a_collection_of_what_is_new() {
        let mut heap = heap();
        let thunk = heap.apply_thunk(Value::NULL, &[Value::NULL]);
        thunk.begin();
        let roots = |marker: &mut Marker| marker.value(thunk.as_value());
        heap.collect(0, roots);
        let value = texts(&mut heap, 100);
        heap.finish(thunk, value);
        // Neither of these is of everything; what is made then takes what the one before has freed.
        for _ in 0..2 {
            heap.collect(0, roots);
            texts(&mut heap, 1000);
        }
        let list = thunk.value().and_then(Value::as_list).expect("its value");
        for (number, item) in list.items().iter().enumerate() {
            assert_eq!(item.as_string(), Some(text(number).as_bytes()));
        }
        assert_eq!(list.len(), 100);
    }

    #[test]
    fn what_old_objects_keep_outlives_a_collection_of_what_is_new() {
        let mut heap = heap();
        let entry = |name: u32, pos: u32| KeyEntry {
            name: Symbol(name),
            pos: Pos(pos),
        };
        let entries: Vec<KeyEntry> = (0..300).map(|name| entry(name, name + 1)).collect();
        // Too many to be found again: each is an object of its own.
        let keys = heap.keys(&entries);
        let others = heap.keys(&entries);
        let one = heap.keys(&[entry(1000, 0)]);
        let list = heap.list(1);
        let attrs = heap.attrs(one);
        let base = heap.attrs(keys);
        let layers = heap.layers(base.into(), attrs, 301);
        let roots = |marker: &mut Marker| {
            marker.keys(keys);
            marker.keys(others);
            marker.values(&[list.value(), attrs.value(), layers.value()]);
        };
        heap.collect(0, roots);
        let item = texts(&mut heap, 100);
        heap.set_item(list, 0, item);
        let value = texts(&mut heap, 100);
        heap.set_attr(attrs, 0, value);
        let order = texts(&mut heap, 300);
        heap.set_name_order(keys, order.as_list().expect("a list"));
        heap.without_positions(others);
        let mut all = entries.clone();
        all.push(entry(1000, 0));
        let all = heap.keys(&all);
        let flat = heap.attrs(all);
        heap.set_flat(layers, flat);
        for _ in 0..2 {
            heap.collect(0, roots);
            texts(&mut heap, 1000);
        }
        let is_whole = |value: Value, len: usize| {
            let items = value.as_list().expect("a list").items();
            assert_eq!(items.len(), len);
            for (number, item) in items.iter().enumerate() {
                assert_eq!(item.as_string(), Some(text(number).as_bytes()));
            }
        };
        is_whole(list.items()[0], 100);
        is_whole(attrs.values()[0], 100);
        is_whole(keys.name_order().expect("it is kept").value(), 300);
        let plain = others.without_positions().expect("they are kept");
        assert!((plain.entries().iter().map(|entry| entry.name.0)).eq(0..300));
        match layers.form() {
            Form::Flat(flat) => {
                assert_eq!(flat.keys().entries().len(), 301);
                assert!(flat.values().iter().all(|value| value.is_null()));
            }
            Form::Layers(..) => panic!("it has been laid side by side"),
        }
    }

    #[test]
    fn what_is_old_and_dead_goes_when_everything_is_marked() {
        let mut heap = heap();
        let kept = texts(&mut heap, 10);
        let dropped = texts(&mut heap, 10_000);
        heap.collect(0, |marker| marker.values(&[kept, dropped]));
        let both = heap.live;
        let full_from = heap.full_from;
        heap.collect(0, |marker| marker.value(kept));
        assert_eq!((heap.live, heap.full_from), (both, full_from), "it is old");
        texts(&mut heap, 100_000);
        let roots = |marker: &mut Marker| marker.value(kept);
        heap.full_from = heap.found;
        heap.collect(0, roots);
        assert!(heap.live < both / 2, "{} of {both}", heap.live);
        assert!(heap.full_from >= heap.live);
        assert_eq!(
            kept.as_list()
                .map(|list| list.items()[9].as_string().map(<[u8]>::to_vec)),
            Some(Some(text(9).into_bytes()))
        );
    }
}
