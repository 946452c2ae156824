//! Allocation: a bump pointer through the holes of 1 MiB blocks; what is larger than a quarter of that stands alone, under a limit of memory
//! what is larger than 8 KiB.

use super::object::{KIND_BITS, Kind, LAST_WALK, List, Object};
use super::region::{PAGE_BYTES, Regions};
use super::sets::Attrs;
use super::shapes::Shapes;
use super::word::Value;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::num::NonZeroU16;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of a line, the grain in which collected memory is used again.
pub(super) const LINE_BYTES: usize = 128;
/// Lines of a block.
pub(super) const LINES: usize = BLOCK_BYTES / LINE_BYTES;
/// Objects of more words than this stand alone.
const LARGE_WORDS: usize = BLOCK_BYTES / 8 / 4;
/// The same under a limit: there are hardly ever holes for them between objects that live on, and blocks would be added while much of those
/// there are is free.
const LARGE_WORDS_IF_LIMITED: usize = 1 << 10;

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
        // Where the run of lines with that mark ends. Runs are long.
        let behind = |mut line: usize, mark: u8| {
            while line < LINES && lines[line] == mark {
                let eight = lines[line..].first_chunk::<8>();
                line += match eight.is_some_and(|eight| *eight == [mark; 8]) {
                    true => 8,
                    false => 1,
                };
            }
            line
        };
        let mut line = TABLE_LINES;
        std::iter::from_fn(move || {
            let start = behind(line, 1);
            line = behind(start, 0);
            (start < line).then(|| (self.0 + start * LINE_BYTES, self.0 + line * LINE_BYTES))
        })
    }
}

/// Holes from this size on are wide.
const WIDE_BYTES: usize = 16 << 10;

/// Less than this is allocated without asking the system whether it is there.
const ALWAYS_ROOM: usize = 1 << 30;

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
    /// What the mark of old objects says that the last collection of everything has reached.
    pub(super) polarity: bool,
    /// Old objects that may refer to new ones, since they have changed.
    pub(super) changed: Vec<Vec<Object>>,
    /// Bytes allocated since the last collection, in whole holes.
    pub(super) since_collection: usize,
    /// Collect when `since_collection` passes this.
    pub(super) threshold: usize,
    pub(super) first_threshold: usize,
    /// What has to be allocated for a collection to be due if there is room enough.
    pub(super) due: usize,
    pub(super) statistics: HeapStatistics,
    /// Collect at every safepoint.
    pub(super) stress: bool,
    /// Bytes that the last collection found alive, and what has been allocated alone since.
    pub(super) live: usize,
    /// Bytes that the last collection found alive.
    pub(super) found: usize,
    /// Where that is so much, the next collection is one of everything.
    pub(super) full_from: usize,
    /// More was asked for at once than there is room for.
    exhausted: bool,
    pub(super) max_bytes: usize,
    /// Objects of more words than this stand alone.
    pub(super) large_words: usize,
    regions: Regions,
    pub(super) shapes: Shapes,
    /// What has been allocated of each kind, if that is counted: then `limit` stands at `cursor` whenever nothing is allocated, so
    /// that every allocation takes the slow path, and the true limit is here.
    counting: Option<Box<Counting>>,
    /// The last number given to a walk.
    last_walk: u16,
    /// What the process takes beside heap and stacks, as was found last, and before that.
    others: [usize; 2],
    pub(super) empty_list: Option<List>,
    pub(super) empty_attrs: Option<Attrs>,
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
            changed: Vec::new(),
            since_collection: 0,
            // Under stress every safepoint collects.
            threshold: if stress { 0 } else { threshold },
            first_threshold: threshold,
            due: threshold,
            statistics: HeapStatistics::default(),
            stress,
            live: 0,
            found: 0,
            full_from: 0,
            exhausted: false,
            max_bytes,
            large_words: match max_bytes {
                usize::MAX => LARGE_WORDS,
                _ => LARGE_WORDS_IF_LIMITED,
            },
            regions: Regions::default(),
            shapes: Shapes::default(),
            counting: None,
            last_walk: 0,
            others: [0; 2],
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

    /// Whether there is a limit of memory.
    pub fn is_limited(&self) -> bool {
        self.max_bytes != usize::MAX
    }

    /// The process takes so many bytes in all, `used` of them for stacks: what is neither that nor heap counts for the limit, too.
    pub fn note_resident(&mut self, resident: usize, used: usize) {
        let known = self.statistics.reserved.saturating_add(used);
        self.others = [resident.saturating_sub(known), self.others[0]];
    }

    /// What is as large as this part of the limit counts by itself.
    pub fn large_part(&self) -> usize {
        self.margin()
    }

    /// What the limit leaves for heap and stacks.
    fn limit_here(&self) -> usize {
        self.max_bytes.saturating_sub(self.others[0])
    }

    /// Whether what was alive at the last collection, and `more` beside it, is beyond the limit. What else the process takes counts as far
    /// as it has stayed: allocators give back what is freed after a while.
    pub fn is_over_limit(&self, more: usize) -> bool {
        let stays = self.others[0].min(self.others[1]);
        let all = self.live.saturating_add(more).saturating_add(stays);
        self.exhausted || all > self.max_bytes
    }

    /// Whether something was asked for that there is no room for: an evaluation that has come to this must fail.
    #[inline(always)]
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// How much beside `used`, what was alive at the last collection, and what has been allocated since is within the limit.
    pub fn room_beside(&self, used: usize) -> usize {
        let here = self.live.saturating_add(self.since_collection);
        self.limit_here().saturating_sub(here.saturating_add(used))
    }

    /// How far from the limit a collection is due: allocators keep some of what is freed.
    pub(super) fn margin(&self) -> usize {
        self.max_bytes / 16
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

    /// Whether nobody need ask whether there is room for so many bytes at once.
    #[inline(always)]
    pub fn is_little(&self, bytes: usize) -> bool {
        bytes < ALWAYS_ROOM.min(self.large_part())
    }

    /// Whether so many at once are within the limit and what the system gives. What takes them may hold as many beside the heap, as a
    /// builtin that has put a text together: that may be a tenth beyond the limit, for a moment.
    #[cold]
    pub fn has_room(&self, bytes: usize) -> bool {
        let most = self.max_bytes.saturating_add(self.max_bytes / 10);
        if self.live.saturating_add(bytes) > self.max_bytes
            || self.others[0].saturating_add(bytes) > most
        {
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
    pub(super) fn allocate(&mut self, words: usize, header: u64) -> Object {
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
        let count = &mut counting.kinds[(header & KIND_BITS) as usize];
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
        if words > self.large_words {
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
    pub(super) fn take_back(&mut self, object: Object, words: usize) {
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
        self.reserve(BLOCK_BYTES);
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
        self.live += layout.size();
        self.since_collection += layout.size();
        self.reserve(layout.size());
        if layout.size() >= self.large_part() {
            // Before the next one that is as large it has to be known what is alive.
            self.collect_soon();
        }
        object
    }

    /// So much more has been taken from the system. Holes that nothing fits in are no room, so what is taken may come near the limit before
    /// what is used does: then a collection is due, but not at every turn.
    fn reserve(&mut self, bytes: usize) {
        self.statistics.reserved += bytes;
        let limit = self.limit_here();
        let often = match self.statistics.reserved > limit {
            true => 16,
            false => 4,
        };
        if self.statistics.reserved > limit.saturating_sub(self.margin())
            && self.since_collection > self.max_bytes / often
        {
            self.collect_soon();
        }
    }

    /// The memory of an object that stands alone. Up to some size allocators have four or eight sizes between a power of two and the
    /// next, beyond it pages: what they take beyond the object counts.
    pub(super) fn large_layout(words: usize) -> Layout {
        const BY_PAGES: usize = 64 << 10;
        let bytes = words * 8;
        let step = match bytes <= BY_PAGES {
            true => bytes.next_power_of_two() / 8,
            false => PAGE_BYTES,
        };
        Layout::from_size_align(bytes.next_multiple_of(step), 16)
            .expect("a size that was allocated before")
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
