//! The shapes that exist: equal keys are found again, so that inline caches and merge plans, which know shapes by their
//! addresses, serve all sets that look alike.

use super::sets::{KeyEntry, Keys};
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Keys of at most so many entries are kept once. Larger ones seldom come again, and to look them up would take as long as
/// making them does.
pub(super) const MAX_INTERNED: usize = 256;

/// Keys by their content.
#[derive(Default)]
pub(super) struct Shapes {
    known: HashTable<(u64, Keys)>,
}

fn hash(entries: &[KeyEntry]) -> u64 {
    let mut hasher = FxHasher::default();
    for entry in entries {
        hasher.write_u64(u64::from(entry.name.0) | u64::from(entry.pos.0) << 32);
    }
    hasher.finish()
}

impl Shapes {
    /// The keys that are known to equal `keys`; if there are none, `keys` are known from now on.
    pub(super) fn intern(&mut self, keys: Keys) -> Option<Keys> {
        let entries = keys.entries();
        let hash = hash(entries);
        let known = self
            .known
            .find(hash, |(_, known)| known.entries() == entries);
        if let Some((_, known)) = known {
            return Some(*known);
        }
        self.known
            .insert_unique(hash, (hash, keys), |(hash, _)| *hash);
        None
    }

    /// Forgets all: a collection may free them.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}
