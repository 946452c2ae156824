//! A store that is only read: what an evaluation adds ends with it, as with `nix-instantiate --eval`.

use piton_core::store::{Addition, Backend, BuildError};
use piton_core::world::Answer;

/// A store behind glass.
pub struct ReadOnly(pub Box<dyn Backend>);

impl Backend for ReadOnly {
    fn add(&self, _: &Addition<'_>) -> Answer<()> {
        Ok(())
    }

    fn contains(&self, path: &[u8]) -> Answer<bool> {
        self.0.contains(path)
    }

    /// As Nix does, which does not look where it may not write.
    fn require(&self, _: &[u8]) -> Answer<()> {
        Ok(())
    }

    fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>> {
        self.0.references(path)
    }

    fn locate(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.0.locate(path)
    }

    fn build(&self, derivation: &[u8], outputs: &[&[u8]]) -> Result<(), BuildError> {
        match self.0.contains(derivation) {
            Ok(false) => Err(BuildError::Failed(
                "the store is only read, and the derivation is not in it ('--read-write-mode' adds it)".to_owned(),
            )),
            _ => self.0.build(derivation, outputs),
        }
    }
}
