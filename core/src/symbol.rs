//! Interned identifiers. A [`Symbol`] is an attribute or variable name; equal names have equal symbols.

use hashbrown::HashTable;
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

/// The table looks at the highest bits and at the lowest of a hash.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Maps names to [`Symbol`]s and back. Names are bytes, as Nix strings are.
#[derive(Default)]
pub struct Interner {
    /// By the hash of their names, which stands here so that a table that grows need not look at the names.
    known: HashTable<(u32, Symbol)>,
    names: Vec<&'static [u8]>,
    /// Room for names to come.
    room: &'static mut [u8],
    /// Every symbol that was asked for since [`Interner::record`], if somebody wants to know.
    record: Option<Vec<Symbol>>,
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
        let hash = hash(name);
        let symbol = match self.find(name, hash) {
            Some(symbol) => symbol,
            None => self.add(name, hash),
        };
        if let Some(record) = &mut self.record {
            record.push(symbol);
        }
        symbol
    }

    #[inline]
    fn find(&self, name: &[u8], hash: u32) -> Option<Symbol> {
        let same = |&(known, symbol): &(u32, Symbol)| {
            known == hash && self.names[symbol.0 as usize] == name
        };
        self.known
            .find(spread(hash), same)
            .map(|(_, symbol)| *symbol)
    }

    #[inline(never)]
    fn add(&mut self, name: &[u8], hash: u32) -> Symbol {
        let symbol =
            Symbol(u32::try_from(self.names.len()).expect("fewer than 2^32 distinct names"));
        if self.room.len() < name.len() {
            self.room = Box::leak(vec![0; ROOM.max(name.len())].into_boxed_slice());
        }
        let (stored, room) = std::mem::take(&mut self.room).split_at_mut(name.len());
        self.room = room;
        stored.copy_from_slice(name);
        self.names.push(stored);
        self.known
            .insert_unique(spread(hash), (hash, symbol), |(hash, _)| spread(*hash));
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

    /// The text of `symbol`.
    pub fn name(&self, symbol: Symbol) -> &'static [u8] {
        self.names[symbol.0 as usize]
    }

    /// The text of `symbol` for messages; bytes that are not UTF-8 are replaced.
    pub fn display(&self, symbol: Symbol) -> String {
        String::from_utf8_lossy(self.name(symbol)).into_owned()
    }
}
