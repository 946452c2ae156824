//! [`Overlay`]: a world in which what the evaluation has added to its store can be read, although nobody has written it. A
//! file that is imported from the store keeps its store path, as relative paths in it start from there.

use super::memory::{Found, Store};
use crate::world::{Answer, FileType, Message, World, WorldError};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A world with the store of an evaluation laid over it.
pub struct Overlay {
    world: Box<dyn World>,
    store: Rc<RefCell<Store>>,
}

impl Overlay {
    /// `world` with what is in `store`.
    pub fn new(world: Box<dyn World>, store: Rc<RefCell<Store>>) -> Self {
        Overlay { world, store }
    }

    /// Asks for a path: of texts `text` is the answer, anything else is asked of the world below, at its real place.
    fn ask<T>(
        &self,
        path: &[u8],
        text: impl FnOnce(&[u8]) -> Answer<T>,
        below: impl FnOnce(&dyn World, &[u8]) -> Answer<T>,
    ) -> Answer<T> {
        self.store.borrow_mut().look_up(path);
        let origin = match self.store.borrow().find(path) {
            None => None,
            Some(Found::Nothing) => return Err(WorldError::NotFound),
            Some(Found::Text(contents)) => return text(contents),
            Some(Found::Source { origin, .. }) => Some(origin),
        };
        below(&*self.world, origin.as_deref().unwrap_or(path))
    }
}

fn no_link<T>(path: &[u8]) -> Answer<T> {
    let path = String::from_utf8_lossy(path);
    Err(WorldError::Other(format!(
        "reading symbolic link '{path}': Invalid argument"
    )))
}

impl World for Overlay {
    fn read_file(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.ask(
            path,
            |text| Ok(text.to_vec()),
            |world, path| world.read_file(path),
        )
    }

    fn read_dir(&self, path: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>> {
        let shown = String::from_utf8_lossy(path);
        let no_folder = || {
            WorldError::Other(format!(
                "cannot read directory \"{shown}\": Not a directory"
            ))
        };
        let mut entries = self.ask(
            path,
            |_| Err(no_folder()),
            |world, path| world.read_dir(path),
        )?;
        if let Some(Found::Source { source, origin, .. }) = self.store.borrow().find(path)
            && !source.excluded.is_empty()
        {
            entries.retain(|(name, _)| !source.excluded.contains(&[&origin[..], name].join(&b'/')));
        }
        Ok(entries)
    }

    fn file_type(&self, path: &[u8]) -> Answer<FileType> {
        self.ask(
            path,
            |_| Ok(FileType::Regular),
            |world, path| world.file_type(path),
        )
    }

    fn read_link(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.ask(path, |_| no_link(path), |world, path| world.read_link(path))
    }

    fn is_executable(&self, path: &[u8]) -> Answer<bool> {
        let executable = self.ask(path, |_| Ok(false), |world, path| world.is_executable(path))?;
        let is_flat = |found| matches!(found, Found::Source { source, .. } if source.flat);
        Ok(executable && !self.store.borrow().find(path).is_some_and(is_flat))
    }

    /// Links within a tree lead to places within the same store path.
    fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>> {
        let resolved = self.ask(
            path,
            |_| Ok(path.to_vec()),
            |world, path| world.resolve(path),
        )?;
        match self.store.borrow().find(path) {
            Some(Found::Source { source, root, .. }) => match resolved
                .strip_prefix(&source.origin[..])
            {
                Some(below) if below.is_empty() || below[0] == b'/' => Ok([root, below].concat()),
                _ => Ok(resolved),
            },
            _ => Ok(resolved),
        }
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.world.env(name)
    }

    fn current_dir(&self) -> Vec<u8> {
        self.world.current_dir()
    }

    fn time(&self) -> i64 {
        self.world.time()
    }

    fn system(&self) -> Arc<str> {
        self.world.system()
    }

    fn search_path(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.world.search_path()
    }

    fn permit(&self, path: &[u8]) {
        self.world.permit(path);
    }

    fn emit(&self, kind: Message, text: &[u8]) {
        self.world.emit(kind, text);
    }
}
