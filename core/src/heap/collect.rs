//! Collection: mark what the roots reach, with a stack of its own; then free whole lines.

use super::block::{Block, Heap, LARGE_WORDS, LINE_BYTES};
use super::object::{Captured, Kind, Object, Thunk};
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
    polarity: bool,
    /// Whether thunks stand alone, as those with very many captures do.
    has_large_thunks: bool,
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

    /// Any object.
    #[inline]
    pub fn object(&mut self, object: Object) {
        if self.polarity {
            self.reach::<true>(object);
        } else {
            self.reach::<false>(object);
        }
    }

    /// Marks an object, and what can be marked with it at once: a thunk that has a value is left for that, and a string refers to
    /// nothing. What else it refers to is pending.
    #[inline(always)]
    fn reach<const POLARITY: bool>(&mut self, object: Object) {
        let mut object = object;
        loop {
            if object.is_marked(POLARITY) {
                return;
            }
            object.change_mark();
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
    fn members<const POLARITY: bool>(&mut self, object: Object, from: usize, count: usize) {
        let mut count = count;
        if count > PIECE {
            cold_path();
            self.long.push((object, from + PIECE));
            count = PIECE;
        }
        self.words_of::<POLARITY>(object, from, count);
    }

    fn run(&mut self) {
        if self.polarity {
            self.run_in::<true>();
        } else {
            self.run_in::<false>();
        }
    }

    /// The kinds that come most often are told by comparisons: one `match` would be one indirect jump, which the processor guesses wrong
    /// as often as kinds change.
    fn run_in<const POLARITY: bool>(&mut self) {
        loop {
            while let Some(object) = self.pending.pop() {
                let kind = object.kind();
                if kind == Kind::Thunk {
                    self.thunk::<POLARITY>(object);
                } else if kind == Kind::Attrs {
                    let len = object.len();
                    self.lines(object, object.size_in_words(Kind::Attrs));
                    self.reach::<POLARITY>(Object::from_address(object.word(0) as usize));
                    // The first word of a set is not a value.
                    self.members::<POLARITY>(object, 1, len);
                } else if kind == Kind::List {
                    let len = object.len();
                    self.lines(object, object.size_in_words(Kind::List));
                    self.members::<POLARITY>(object, 0, len);
                } else {
                    self.other::<POLARITY>(object);
                }
            }
            let Some((object, from)) = self.long.pop() else {
                return;
            };
            let end = usize::from(object.kind() == Kind::Attrs) + object.len();
            self.members::<POLARITY>(object, from, end - from);
        }
    }

    /// Marks the lines that an object of so many words lies in.
    #[inline(always)]
    fn lines(&mut self, object: Object, words: usize) {
        let block = Block::of(object.address());
        debug_assert!(
            words > LARGE_WORDS || self.blocks.binary_search(&block.0).is_ok(),
            "what does not stand alone lies in a block"
        );
        // A large object lies in a block, too, where one had as much room left when it was made.
        if words <= LARGE_WORDS || self.blocks.binary_search(&block.0).is_ok() {
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
    fn thunk<const POLARITY: bool>(&mut self, object: Object) {
        let thunk = Thunk(object);
        let held = if thunk.applies() {
            object.len() + 1
        } else {
            Captured(object).len()
        };
        self.lines(object, object.size_in_words(Kind::Thunk));
        self.words_of::<POLARITY>(object, 0, held);
    }

    #[inline(never)]
    fn other<const POLARITY: bool>(&mut self, object: Object) {
        let kind = object.kind();
        self.lines(object, object.size_in_words(kind));
        match kind {
            Kind::Int | Kind::Float | Kind::Path => {}
            Kind::Keys => {
                let keys = Keys(object);
                if let Some(order) = keys.name_order() {
                    self.reach::<POLARITY>(order.0);
                }
                if let Some(plain) = keys.without_positions() {
                    self.reach::<POLARITY>(plain.0);
                }
            }
            Kind::Layers => {
                for word in 1..4 {
                    if object.word(word) != 0 {
                        self.reach::<POLARITY>(Object::from_address(object.word(word) as usize));
                    }
                }
            }
            Kind::Closure => self.words_of::<POLARITY>(object, 0, Captured(object).len()),
            Kind::Partial => self.words_of::<POLARITY>(object, 0, object.len() + 1),
            Kind::Thunk | Kind::Attrs | Kind::List | Kind::String => {
                unreachable!("they come more often")
            }
        }
    }

    /// What `count` words of an object from `from` on refer to.
    #[inline(always)]
    fn words_of<const POLARITY: bool>(&mut self, object: Object, from: usize, count: usize) {
        for value in object.values(from, count) {
            if let Some(object) = value.object() {
                self.reach::<POLARITY>(object);
            }
        }
    }
}

impl Heap {
    /// Frees what `roots` does not reach. Only at a safepoint: no handle that is not below a root survives.
    /// `beside`: bytes that are in use beside the heap.
    pub fn collect(&mut self, beside: usize, roots: impl FnOnce(&mut Marker)) {
        let begun = Instant::now();
        self.statistics.allocated += self.since_collection as u64;
        self.polarity = !self.polarity;
        self.shapes.clear();
        for block in &self.blocks {
            block.lines()[..].fill(0);
        }
        let mut blocks: Vec<usize> = self.blocks.iter().map(|block| block.0).collect();
        blocks.sort_unstable();
        let mut marker = Marker {
            pending: Vec::new(),
            long: Vec::new(),
            polarity: self.polarity,
            has_large_thunks: (self.large.iter()).any(|large| large.object.kind() == Kind::Thunk),
            blocks,
        };
        for value in self.singletons() {
            marker.value(value);
        }
        roots(&mut marker);
        marker.run();
        self.sweep(beside);
        self.statistics.collections += 1;
        self.statistics.collection_time += begun.elapsed();
    }

    fn sweep(&mut self, beside: usize) {
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
        let polarity = self.polarity;
        let mut freed = 0;
        self.large.retain(|large| {
            let live = large.object.is_marked(polarity);
            if !live {
                freed += large.words * 8;
                // SAFETY: allocated with this layout; nothing reaches it any more.
                unsafe {
                    dealloc(
                        large.object.address() as *mut u8,
                        Self::large_layout(large.words),
                    )
                };
            }
            live
        });
        self.statistics.reserved -= freed;
        self.forget_hole();
        self.since_collection = 0;
        self.live = self.statistics.reserved - free;
        if !self.stress {
            self.threshold = self.first_threshold.max(growth(self.live));
        }
        if self.max_bytes != usize::MAX && !self.stress {
            // Near the limit sooner, so that it is noticed; but not at every turn.
            let room = self.room_beside(beside);
            self.threshold = self.threshold.min(room.max(self.max_bytes / 16));
        }
    }
}

/// How much is allocated before the next collection, by what this one has found alive: to mark a byte takes about a third of the time in
/// which one is allocated and used, so that collecting takes less than a tenth of all. A large heap grows by less.
fn growth(live: usize) -> usize {
    const MUCH: usize = 1 << 30;
    live.saturating_mul(5).min(live.max(MUCH))
}
