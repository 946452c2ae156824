//! [`Overlay`]: a world in which what the evaluation has added to its store can be read, although nobody has written it. A
//! file that is imported from the store keeps its store path, as relative paths in it start from there.

use super::memory::{Found, Store};
use super::path::split_store_path;
use crate::world::{Answer, FileInfo, FileType, Message, TakePiece, World, WorldError};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// How many links a path may go through, as in Nix.
const MAX_LINKS: u32 = 1024;

/// What becomes of a link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is followed.
    Followed,
    /// It is what is asked for.
    Kept,
}

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

    /// Asks for a path: of texts `text` is the answer, anything else is asked of the world below, at its real place. `end` says
    /// whether a link at the end of the path is followed.
    fn ask<T>(
        &self,
        path: &[u8],
        end: End,
        text: impl Fn(&[u8]) -> Answer<T>,
        below: impl Fn(&dyn World, &[u8]) -> Answer<T>,
    ) -> Answer<T> {
        match self.ask_once(path, &text, &below) {
            // Links in a store that lies elsewhere name store paths, at which the system finds nothing.
            Err(WorldError::NotFound) if self.store.borrow().is_known(path) => {
                let resolved = self.follow(path, end)?;
                if resolved == path {
                    return Err(WorldError::NotFound);
                }
                self.ask_once(&resolved, &text, &below)
            }
            answer => answer,
        }
    }

    fn ask_once<T>(
        &self,
        path: &[u8],
        text: &impl Fn(&[u8]) -> Answer<T>,
        below: &impl Fn(&dyn World, &[u8]) -> Answer<T>,
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

    /// Whether it is a file that was added as its bytes alone.
    fn is_flat(&self, path: &[u8]) -> bool {
        let store = self.store.borrow();
        matches!(store.find(path), Some(Found::Source { source, .. }) if source.flat)
    }

    /// A path with the links in it resolved, as far as it lies in the store.
    fn follow(&self, path: &[u8], end: End) -> Answer<Vec<u8>> {
        let components = |path: &[u8]| -> Vec<Vec<u8>> {
            let names = path.split(|byte| *byte == b'/').rev();
            names.map(<[u8]>::to_vec).collect()
        };
        let mut todo = components(path);
        let mut out: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            match &name[..] {
                b"" | b"." => continue,
                b".." => {
                    let end = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                    out.truncate(end);
                    continue;
                }
                _ => {}
            }
            out.push(b'/');
            out.extend_from_slice(&name);
            if split_store_path(&out).is_none() || todo.is_empty() && end == End::Kept {
                continue;
            }
            let no_link = &|_: &[u8]| Ok(None);
            let target = self.ask_once(&out, no_link, &|world, place| {
                Ok(match world.file_type(place)? {
                    FileType::Symlink => Some(world.read_link(place)?),
                    _ => None,
                })
            })?;
            if let Some(target) = target {
                links += 1;
                if links > MAX_LINKS {
                    let path = String::from_utf8_lossy(path);
                    return Err(WorldError::Other(format!(
                        "infinite symlink recursion in path '{path}'"
                    )));
                }
                if target.starts_with(b"/") {
                    out.clear();
                } else {
                    out.truncate(out.len() - name.len() - 1);
                }
                todo.extend(components(&target));
            }
        }
        Ok(out)
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
            End::Followed,
            |text| Ok(text.to_vec()),
            |world, path| world.read_file(path),
        )
    }

    fn read_pieces(&self, path: &[u8], take: TakePiece<'_>) -> Answer<()> {
        let take = RefCell::new(take);
        self.ask(
            path,
            End::Followed,
            |text| {
                let info = FileInfo {
                    length: text.len() as u64,
                    executable: false,
                };
                (take.borrow_mut())(info, text)
            },
            |world, place| {
                world.read_pieces(place, &mut |mut info, piece| {
                    info.executable = info.executable && !self.is_flat(path);
                    (take.borrow_mut())(info, piece)
                })
            },
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
            End::Followed,
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
            End::Kept,
            |_| Ok(FileType::Regular),
            |world, path| world.file_type(path),
        )
    }

    fn read_link(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.ask(
            path,
            End::Kept,
            |_| no_link(path),
            |world, path| world.read_link(path),
        )
    }

    /// Links within a tree lead to places within the same store path.
    fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.store.borrow_mut().look_up(path);
        if self.store.borrow().is_known(path) {
            let resolved = self.follow(path, End::Followed)?;
            if split_store_path(&resolved).is_some() {
                return Ok(resolved);
            }
            return self.world.resolve(&resolved);
        }
        let resolved = self.ask(
            path,
            End::Followed,
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

    fn resident_memory(&self) -> Option<usize> {
        self.world.resident_memory()
    }

    fn permit(&self, path: &[u8]) {
        self.world.permit(path);
    }

    fn emit(&self, kind: Message, text: &[u8]) {
        self.world.emit(kind, text);
    }
}
