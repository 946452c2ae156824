//! [`Store`]: what an evaluation has added to the store, by store path, over the store that was there before.

use super::backend::{Backend, InMemory};
use super::derivation::Derivation;
use super::later::Later;
use super::modulo::{Modulo, ResolveError, Resolved, Resolver};
use super::path::split_store_path;
use crate::world::Answer;
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

/// Where the files lie that come with the evaluator: no file system has such a place.
const SHIPPED_DIR: &[u8] = b"/<nix/";

/// The text of a file that comes with the evaluator.
fn shipped_file(path: &[u8]) -> Option<&'static [u8]> {
    match path.strip_prefix(SHIPPED_DIR)? {
        b"fetchurl.nix>" => Some(include_bytes!("fetchurl.nix")),
        _ => None,
    }
}

/// The path that `<nix/...>` stands for, if such a file comes with the evaluator.
pub fn shipped_path(search: &[u8]) -> Option<Vec<u8>> {
    let path = [b"/", search].concat();
    shipped_file(&path).is_some().then_some(path)
}

/// A tree that was added: it stays where it is, and is read from there.
#[derive(Debug, Default)]
pub struct Source {
    /// Where it is.
    pub origin: Vec<u8>,
    /// What below there a filter has left out.
    pub excluded: FxHashSet<Vec<u8>>,
    /// The store paths that it refers to, sorted.
    pub references: Vec<Vec<u8>>,
    /// It is a file that was added as its bytes alone: whether it can be executed does not count.
    pub flat: bool,
}

enum Object {
    Text {
        contents: Bytes,
        references: Vec<Vec<u8>>,
    },
    Derivation {
        text: Bytes,
        modulo: Modulo,
    },
    Source(Source),
    /// Nothing that was added: it was in the store before, and is read at its place there.
    Known(Source),
}

/// What a path below a store path refers to.
pub(super) enum Found<'a> {
    /// The file is this text.
    Text(&'a [u8]),
    /// It is a part of a tree.
    Source {
        /// Which one.
        source: &'a Source,
        /// The store path that the tree was added as.
        root: &'a [u8],
        /// Where the part really is.
        origin: Vec<u8>,
    },
    /// The store path is here, this part of it is not.
    Nothing,
}

/// Computes hashes of derivations on another thread.
pub trait Helper {
    /// Takes all of these. Whoever needs one that is not begun computes it without waiting.
    fn hash(&self, hashes: &mut Vec<Arc<Later>>);
}

/// So many hashes are handed over at once: to wake a thread takes as long as to compute one.
const BATCH: usize = 8;

/// The store of an evaluation. It holds texts, derivations and the places of trees, and grows only.
pub struct Store {
    backend: Rc<dyn Backend>,
    objects: FxHashMap<Box<[u8]>, Object>,
    /// What derivations count as that this evaluation has not made.
    learned: FxHashMap<Box<[u8]>, Modulo>,
    resolver: Resolver,
    /// Who else computes hashes, and those that are to be handed over.
    helper: Option<Rc<dyn Helper>>,
    hashes: Vec<Arc<Later>>,
    /// Paths that were copied as they are, with their store paths: they do not change during an evaluation.
    copies: FxHashMap<Box<[u8]>, Box<[u8]>>,
}

impl Default for Store {
    fn default() -> Self {
        Store::new(Rc::new(InMemory))
    }
}

impl Store {
    /// The store of an evaluation that begins, over one that is there.
    pub fn new(backend: Rc<dyn Backend>) -> Self {
        Store {
            backend,
            objects: FxHashMap::default(),
            learned: FxHashMap::default(),
            resolver: Resolver::default(),
            helper: None,
            hashes: Vec::new(),
            copies: FxHashMap::default(),
        }
    }

    /// The store behind this one, which has to be told of what is added here.
    pub fn backend(&self) -> Rc<dyn Backend> {
        self.backend.clone()
    }

    /// Adds a text.
    pub fn add_text(&mut self, path: &[u8], contents: &[u8], references: Vec<Vec<u8>>) {
        self.objects
            .entry(path.into())
            .or_insert_with(|| Object::Text {
                contents: Bytes::copy_from_slice(contents),
                references,
            });
    }

    /// Has hashes computed by `helper`, too.
    pub fn set_helper(&mut self, helper: Rc<dyn Helper>) {
        self.helper = Some(helper);
    }

    /// Adds a derivation.
    pub fn add_derivation(&mut self, derivation: &Resolved) {
        let (text, modulo) = (derivation.text.clone(), derivation.modulo.clone());
        let entry = match self.objects.entry(derivation.path[..].into()) {
            Entry::Vacant(entry) => entry,
            Entry::Occupied(entry) => {
                if let Object::Known(_) = entry.get() {
                    self.learned.entry(entry.key().clone()).or_insert(modulo);
                }
                return;
            }
        };
        if let Some(helper) = &self.helper
            && let Modulo::Hash(hash) = &modulo
        {
            self.hashes.push(hash.clone());
            if self.hashes.len() == BATCH {
                helper.hash(&mut self.hashes);
            }
        }
        entry.insert(Object::Derivation { text, modulo });
    }

    /// Adds a tree. A tree within one that was added before is where that one is.
    pub fn add_source(&mut self, path: &[u8], mut source: Source) {
        if let Some(found) = self.find(&source.origin) {
            match found {
                Found::Source {
                    source: outer,
                    origin,
                    ..
                } => {
                    let own = source
                        .excluded
                        .iter()
                        .map(|path| [&origin[..], &path[source.origin.len()..]].concat());
                    source.excluded = own.chain(outer.excluded.iter().cloned()).collect();
                    source.flat |= outer.flat;
                    source.origin = origin;
                }
                Found::Text(contents) => {
                    let contents = contents.to_vec();
                    return self.add_text(path, &contents, Vec::new());
                }
                Found::Nothing => {}
            }
        }
        self.objects
            .entry(path.into())
            .or_insert(Object::Source(source));
    }

    /// The store path that `path` was copied as.
    pub fn copy_of(&self, path: &[u8]) -> Option<&[u8]> {
        self.copies.get(path).map(|copy| &**copy)
    }

    /// Notes that `path` was copied.
    pub fn note_copy(&mut self, path: &[u8], copy: &[u8]) {
        self.copies.insert(path.into(), copy.into());
    }

    /// Computes all paths of a derivation that needs no others than are known here.
    pub fn resolve(
        &mut self,
        derivation: &Derivation<'_>,
        references: &[&[u8]],
    ) -> Result<Rc<Resolved>, ResolveError> {
        let (objects, learned) = (&self.objects, &self.learned);
        self.resolver.resolve(derivation, references, |path| {
            modulo(objects, learned, path)
        })
    }

    /// What a derivation counts as, if that is known.
    pub fn modulo(&self, drv_path: &[u8]) -> Option<&Modulo> {
        modulo(&self.objects, &self.learned, drv_path)
    }

    /// Notes what a derivation counts as that this evaluation has not made.
    pub fn note_modulo(&mut self, drv_path: &[u8], modulo: Modulo) {
        self.learned.insert(drv_path.into(), modulo);
    }

    /// The text of a derivation that was added.
    pub fn derivation(&self, drv_path: &[u8]) -> Option<&[u8]> {
        match self.objects.get(drv_path) {
            Some(Object::Derivation { text, .. }) => Some(text),
            _ => None,
        }
    }

    /// What a store path refers to; nothing for one that nobody knows. Derivations are not asked about here: they say it.
    pub fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>> {
        match self.objects.get(path) {
            Some(Object::Text { references, .. }) => Ok(references.clone()),
            Some(Object::Source(source)) => Ok(source.references.clone()),
            Some(Object::Derivation { .. }) => Ok(Vec::new()),
            Some(Object::Known(_)) | None => self.backend.references(path),
        }
    }

    /// Whether this store path is there: added here, or known to the store behind.
    pub fn contains(&self, path: &[u8]) -> Answer<bool> {
        if self.objects.contains_key(path) {
            return Ok(true);
        }
        self.backend.contains(path)
    }

    /// Asks the store behind where to read the store path that `path` lies in, unless that is known. What is not there yet may
    /// be built later, so the answer that nobody knows is not kept.
    pub(super) fn look_up(&mut self, path: &[u8]) {
        if let Some((root, _)) = split_store_path(path)
            && !self.objects.contains_key(root)
            && let Some(origin) = self.backend.locate(root)
        {
            let source = Source {
                origin,
                ..Source::default()
            };
            self.objects.insert(root.into(), Object::Known(source));
        }
    }

    /// Whether a path lies in something that was in the store before, and is read elsewhere.
    pub(super) fn is_known(&self, path: &[u8]) -> bool {
        let root = split_store_path(path).map(|(root, _)| root);
        root.is_some_and(|root| matches!(self.objects.get(root), Some(Object::Known(_))))
    }

    /// What a path refers to, if it lies below a store path that was added here.
    pub(super) fn find<'a>(&'a self, path: &'a [u8]) -> Option<Found<'a>> {
        if let Some(text) = shipped_file(path) {
            return Some(Found::Text(text));
        }
        let (root, below) = split_store_path(path)?;
        Some(match self.objects.get(root)? {
            Object::Text { contents, .. } | Object::Derivation { text: contents, .. }
                if below.is_empty() =>
            {
                Found::Text(contents)
            }
            Object::Text { .. } | Object::Derivation { .. } => Found::Nothing,
            Object::Source(source) | Object::Known(source) => {
                let origin = [&source.origin, below].concat();
                if source.excludes(&origin) {
                    return Some(Found::Nothing);
                }
                Found::Source {
                    source,
                    root,
                    origin,
                }
            }
        })
    }
}

fn modulo<'s>(
    objects: &'s FxHashMap<Box<[u8]>, Object>,
    learned: &'s FxHashMap<Box<[u8]>, Modulo>,
    drv_path: &[u8],
) -> Option<&'s Modulo> {
    match objects.get(drv_path) {
        Some(Object::Derivation { modulo, .. }) => Some(modulo),
        _ => learned.get(drv_path),
    }
}

impl Source {
    /// Whether a filter has left out this path, or a folder that it lies in.
    pub(super) fn excludes(&self, path: &[u8]) -> bool {
        if self.excluded.is_empty() {
            return false;
        }
        let mut ends = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at);
        ends.any(|end| self.excluded.contains(&path[..end])) || self.excluded.contains(path)
    }
}
