//! A store that not everything may be done with: nothing is added, as with `nix-instantiate --eval`, or nothing is built.

use piton_core::store::{Addition, Backend, BuildError};
use piton_core::world::Answer;

/// A store behind glass.
pub struct Guarded {
    /// The store.
    pub store: Box<dyn Backend>,
    /// What an evaluation adds ends with it.
    pub read_only: bool,
    /// What is imported may be built (the setting `allow-import-from-derivation`).
    pub builds: bool,
}

impl Backend for Guarded {
    fn add(&self, addition: &Addition<'_>) -> Answer<()> {
        if self.read_only {
            return Ok(());
        }
        self.store.add(addition)
    }

    fn contains(&self, path: &[u8]) -> Answer<bool> {
        self.store.contains(path)
    }

    /// Nix does not look where it may not write.
    fn require(&self, path: &[u8]) -> Answer<()> {
        if self.read_only {
            return Ok(());
        }
        self.store.require(path)
    }

    fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>> {
        self.store.references(path)
    }

    fn locate(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.store.locate(path)
    }

    fn build(&self, derivation: &[u8], outputs: &[&[u8]]) -> Result<(), BuildError> {
        if !self.builds {
            return Err(BuildError::Disabled);
        }
        if self.read_only && self.store.contains(derivation) == Ok(false) {
            return Err(BuildError::Failed(
                "the store is only read, and the derivation is not in it ('--read-write-mode' adds it)"
                    .to_owned(),
            ));
        }
        self.store.build(derivation, outputs)
    }
}
