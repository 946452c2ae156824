//! Interned identifiers. A [`Symbol`] is an attribute or variable name; equal names have equal symbols.

use rustc_hash::FxHasher;
use std::hash::Hasher;

/// An interned name. The order of symbols is the order of interning, not of their text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Symbol(pub u32);

/// Bytes that are set aside at a time for names.
const ROOM: usize = 1 << 14;

/// The hash of a name.
fn hash(name: &[u8]) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(name);
    hasher.finish() as u32
}

/// Slots from which on a table is no longer at hand as a whole: 256 KiB.
const LARGE: usize = 1 << 15;

/// A place of [`Known`]: the hash of a name in the upper half, in the lower one the number of its symbol plus one; zero where there is
/// none. New memory is all zeros without being written to.
type Slot = u64;

fn slot_of(hash: u32, symbol: Symbol) -> Slot {
    u64::from(hash) << 32 | (u64::from(symbol.0) + 1)
}

fn hash_of(slot: Slot) -> u32 {
    (slot >> 32) as u32
}

/// Symbols by the hash of their names: open addressing with linear probing, at most half full.
///
/// It is a table of our own for what it takes from memory that is not at hand, as most of it is when a program uses names by
/// the hundred thousand: what a look for a name that is not there loads is the line that the name is then written to. In a table
/// that keeps tags apart from entries that store is to a line that nobody has loaded, and the stores behind it wait for it: a
/// sixth of the time of a large `listToAttrs`.
struct Known {
    slots: Vec<Slot>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            slots: vec![0; 1 << 10],
        }
    }
}

impl Known {
    /// Where to begin to look for a hash. The highest bits tell, so that a table that grows is read and written from its
    /// beginning to its end.
    #[inline]
    fn first(&self, hash: u32) -> usize {
        let spread = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> (64 - self.slots.len().ilog2())) as usize
    }

    /// The first symbol with this hash that is `wanted`.
    #[inline]
    fn find(&self, hash: u32, mut wanted: impl FnMut(Symbol) -> bool) -> Option<Symbol> {
        let mut at = self.first(hash);
        loop {
            let slot = self.slots[at];
            let symbol = Symbol((slot as u32).checked_sub(1)?);
            if hash_of(slot) == hash && wanted(symbol) {
                return Some(symbol);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds the next symbol: as many are there as its number says.
    fn insert(&mut self, hash: u32, symbol: Symbol) {
        if symbol.0 as usize >= self.slots.len() / 2 {
            self.grow();
        }
        self.put(slot_of(hash, symbol));
    }

    fn put(&mut self, slot: Slot) {
        let mut at = self.first(hash_of(slot));
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![0; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot != 0 {
                self.put(slot);
            }
        }
    }
}

/// Places of [`Recent`]: 24 KiB.
const RECENT: usize = 1 << 10;

/// A short name that has been asked for, in the place that its bytes say, and its symbol: most names that are asked for were so a
/// short time ago, and here this takes one line of memory, where the table, its entry and the name itself take one each.
#[derive(Clone, Copy, Default)]
struct Recent {
    ends: (u64, u64),
    len: u32,
    symbol: u32,
}

impl Recent {
    /// The beginning and the end of a name, which with its length tell all of it; nothing for long ones and the empty one.
    #[inline]
    fn ends(name: &[u8]) -> Option<(u64, u64)> {
        Some(match name.len() {
            1..4 => (
                name[0].into(),
                u64::from(name[name.len() / 2]) << 8 | u64::from(name[name.len() - 1]),
            ),
            4..8 => (
                u32::from_le_bytes(*name.first_chunk()?).into(),
                u32::from_le_bytes(*name.last_chunk()?).into(),
            ),
            8..=16 => (
                u64::from_le_bytes(*name.first_chunk()?),
                u64::from_le_bytes(*name.last_chunk()?),
            ),
            _ => return None,
        })
    }

    #[inline]
    fn place((first, last): (u64, u64), len: usize) -> usize {
        let mixed =
            (first ^ last.rotate_left(29) ^ (len as u64) << 59).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize % RECENT
    }
}

/// Maps names to [`Symbol`]s and back. Names are bytes, as Nix strings are.
pub struct Interner {
    known: Known,
    recent: Box<[Recent; RECENT]>,
    names: Vec<&'static [u8]>,
    /// Room for names to come.
    room: &'static mut [u8],
    /// Every symbol that was asked for since [`Interner::record`], if somebody wants to know.
    record: Option<Vec<Symbol>>,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            known: Known::default(),
            recent: Box::new([Recent::default(); RECENT]),
            names: Vec::new(),
            room: &mut [],
            record: None,
        }
    }
}

impl Interner {
    /// An interner that knows no name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbol for `name`, which is interned if it is new.
    ///
    /// Names live as long as the process: the set of distinct names of an evaluation is small against its
    /// heap, and it lets every table hold plain slices.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        let symbol = match Recent::ends(name) {
            None => self.intern_anew(name),
            Some(ends) => {
                let (len, at) = (name.len() as u32, Recent::place(ends, name.len()));
                let recent = self.recent[at];
                if recent.ends == ends && recent.len == len {
                    Symbol(recent.symbol)
                } else {
                    let symbol = self.intern_anew(name);
                    self.recent[at] = Recent {
                        ends,
                        len,
                        symbol: symbol.0,
                    };
                    symbol
                }
            }
        };
        if let Some(record) = &mut self.record {
            record.push(symbol);
        }
        symbol
    }

    /// The same of a name that is not among the recent ones.
    fn intern_anew(&mut self, name: &[u8]) -> Symbol {
        let hash = hash(name);
        match self.find(name, hash) {
            Some(symbol) => symbol,
            None => self.add(name, hash),
        }
    }

    #[inline]
    fn find(&self, name: &[u8], hash: u32) -> Option<Symbol> {
        self.known.find(hash, |symbol| self.name(symbol) == name)
    }

    #[inline(never)]
    fn add(&mut self, name: &[u8], hash: u32) -> Symbol {
        let number = u32::try_from(self.names.len() + 1).expect("fewer than 2^32 distinct names");
        let symbol = Symbol(number - 1);
        if self.room.len() < name.len() {
            self.room = Box::leak(vec![0; ROOM.max(name.len())].into_boxed_slice());
        }
        let (stored, room) = std::mem::take(&mut self.room).split_at_mut(name.len());
        self.room = room;
        stored.copy_from_slice(name);
        self.names.push(stored);
        self.known.insert(hash, symbol);
        symbol
    }

    /// Records from now on which symbols are asked for.
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What has been recorded.
    pub fn recorded(&mut self) -> Vec<Symbol> {
        self.record.take().unwrap_or_default()
    }

    /// The symbol for `name` if some source or value has used that name before.
    pub fn lookup(&self, name: &[u8]) -> Option<Symbol> {
        self.find(name, hash(name))
    }

    /// Has the memory brought to hand that looking `name` up takes, for a caller that looks several names up: their waits overlap
    /// then.
    #[inline]
    pub fn look_ahead(&self, name: &[u8]) {
        if self.known.slots.len() >= LARGE {
            crate::heap::prefetch(&self.known.slots[self.known.first(hash(name))]);
        }
    }

    /// The text of `symbol`.
    pub fn name(&self, symbol: Symbol) -> &'static [u8] {
        self.names[symbol.0 as usize]
    }

    /// The text of `symbol` for messages; bytes that are not UTF-8 are replaced.
    pub fn display(&self, symbol: Symbol) -> String {
        String::from_utf8_lossy(self.name(symbol)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_however_many_there_are() {
        let mut interner = Interner::new();
        let name = |number: u32| format!("name {number}").into_bytes();
        for number in 0..100_000 {
            assert_eq!(interner.lookup(&name(number)), None, "{number}");
            assert_eq!(interner.intern(&name(number)), Symbol(number));
        }
        for number in 0..100_000 {
            interner.look_ahead(&name(number));
            assert_eq!(interner.intern(&name(number)), Symbol(number));
            assert_eq!(interner.lookup(&name(number)), Some(Symbol(number)));
            assert_eq!(interner.name(Symbol(number)), name(number));
        }
        assert_eq!(interner.intern(b""), Symbol(100_000));
    }

    #[test]
    fn names_that_differ_in_one_byte() {
        let mut interner = Interner::new();
        let mut names = vec![Vec::new()];
        for len in 1..=20 {
            names.push(vec![b'a'; len]);
            for at in 0..len {
                for byte in [0, b'b', 0xff] {
                    let mut name = vec![b'a'; len];
                    name[at] = byte;
                    names.push(name);
                }
            }
        }
        // Twice: the second time some are found among the recent ones, and others have taken their places.
        for _ in 0..2 {
            for (number, name) in (0..).zip(&names) {
                assert_eq!(interner.intern(name), Symbol(number), "{name:?}");
                assert_eq!(interner.intern(name), Symbol(number), "{name:?}");
            }
        }
    }

    #[test]
    fn hashes_that_are_equal_and_places_at_the_end() {
        let mut known = Known::default();
        let last = (0..u32::MAX)
            .find(|hash| known.first(*hash) == known.slots.len() - 1)
            .expect("a hash whose place is the last one");
        for number in 0..3000 {
            known.insert([last, 0][number as usize % 2], Symbol(number));
        }
        for number in 0..3000 {
            let wanted = Symbol(number);
            let hash = [last, 0][number as usize % 2];
            assert_eq!(known.find(hash, |symbol| symbol == wanted), Some(wanted));
            assert_eq!(known.find(last ^ 1, |symbol| symbol == wanted), None);
        }
    }
}
