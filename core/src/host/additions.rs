//! What builtins add to the store: each is noted in the store of the evaluation, so that it can be read back at once, and handed
//! to the store behind it. A fetcher, too, adds what it has brought by [`Vm::add_tree`].

use crate::error::Result;
use crate::store::{Addition, Algorithm, Contents, Method, Resolved, Source};
use crate::vm::Vm;

impl Vm {
    /// Whether this store path is in the store: this evaluation has added it, or it has been there before.
    pub(crate) fn store_has(&self, path: &[u8]) -> Result<bool> {
        let answer = self.store.borrow().contains(path);
        answer.map_err(|error| self.world_error(path, error))
    }

    /// Adds a text at its [`text_path`](crate::store::text_path); references are sorted.
    pub(crate) fn add_text(
        &mut self,
        path: &[u8],
        contents: &[u8],
        references: &[&[u8]],
    ) -> Result<()> {
        let owned = references.iter().map(|path| path.to_vec()).collect();
        self.store.borrow_mut().add_text(path, contents, owned);
        self.persist(&Addition {
            path,
            method: Method::Text,
            algorithm: Algorithm::Sha256,
            references,
            contents: Contents::File(contents),
        })
    }

    /// Adds a derivation that refers to these store paths, sorted.
    pub(crate) fn add_derivation(
        &mut self,
        derivation: &Resolved,
        references: &[&[u8]],
    ) -> Result<()> {
        self.persist(&Addition {
            path: &derivation.path,
            method: Method::Text,
            algorithm: Algorithm::Sha256,
            references,
            contents: Contents::File(&derivation.text),
        })?;
        self.store.borrow_mut().add_derivation(derivation);
        Ok(())
    }

    /// Adds a file, link or tree at its [`fixed_output_path`](crate::store::fixed_output_path) by that method and algorithm, or
    /// at its [`source_path`](crate::store::source_path), which is by archive and SHA-256. It must stay where it is as long as
    /// the evaluation runs, which reads it from there. Of a file that is added as its bytes alone `source.flat` says so.
    pub(crate) fn add_tree(
        &mut self,
        path: &[u8],
        source: Source,
        method: Method,
        algorithm: Algorithm,
    ) -> Result<()> {
        let references = source.references.clone();
        let references: Vec<&[u8]> = references.iter().map(|path| &path[..]).collect();
        self.store.borrow_mut().add_source(path, source);
        self.persist(&Addition {
            path,
            method,
            algorithm,
            references: &references,
            contents: Contents::Tree(&*self.world),
        })
    }

    fn persist(&self, addition: &Addition<'_>) -> Result<()> {
        let backend = self.store.borrow().backend();
        backend
            .add(addition)
            .map_err(|error| self.world_error(addition.path, error))
    }
}
