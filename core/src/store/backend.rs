//! [`Backend`]: the store behind an evaluation, which outlasts it. What the evaluation adds is kept by [`Store`](super::Store)
//! and handed on to here; what it reads and has not added itself is asked of here.

use super::derivation::Method;
use super::hash::Algorithm;
use crate::world::{Answer, World};

/// Something that is to be in the store.
pub struct Addition<'a> {
    /// Its store path, which follows from all the rest.
    pub path: &'a [u8],
    /// How the path follows from the contents.
    pub method: Method,
    /// With which algorithm.
    pub algorithm: Algorithm,
    /// The store paths that it refers to, sorted; all of them have been added before.
    pub references: &'a [&'a [u8]],
    /// What it is.
    pub contents: Contents<'a>,
}

/// What is added.
#[derive(Clone, Copy)]
pub enum Contents<'a> {
    /// A file that cannot be executed.
    File(&'a [u8]),
    /// What this world shows at the store path: a file, a link or a folder, as a filter has left it.
    Tree(&'a dyn World),
}

/// Why something was not built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuildError {
    /// Nobody is there who builds.
    NoBuilder,
    /// The evaluation may not have anything built.
    Disabled,
    /// It was tried, or refused; the text is that of a message.
    Failed(String),
}

/// A store. Paths are those that derivations contain, wherever the store really lies.
pub trait Backend {
    /// Sees to it that this is in the store, in whole or not at all.
    fn add(&self, addition: &Addition<'_>) -> Answer<()>;
    /// Whether this store path is there, in whole.
    fn contains(&self, path: &[u8]) -> Answer<bool>;
    /// An error unless this store path is there, which a program claims.
    fn require(&self, path: &[u8]) -> Answer<()>;
    /// What a store path that is there refers to, sorted.
    fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>>;
    /// Where a store path can be read, if not at the place that it names.
    fn locate(&self, path: &[u8]) -> Option<Vec<u8>>;
    /// Builds outputs of a derivation that is there, and waits until they are there too.
    fn build(&self, derivation: &[u8], outputs: &[&[u8]]) -> Result<(), BuildError>;
}

/// No store at all: what an evaluation adds ends with it, and nothing can be built.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Backend for InMemory {
    fn add(&self, _: &Addition<'_>) -> Answer<()> {
        Ok(())
    }

    fn contains(&self, _: &[u8]) -> Answer<bool> {
        Ok(false)
    }

    /// Without a store nobody can tell, and no path depends on it.
    fn require(&self, _: &[u8]) -> Answer<()> {
        Ok(())
    }

    fn references(&self, _: &[u8]) -> Answer<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    fn locate(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn build(&self, _: &[u8], _: &[&[u8]]) -> Result<(), BuildError> {
        Err(BuildError::NoBuilder)
    }
}
