//! The store of a Nix daemon, over its socket: what an evaluation adds is added there, and imports from derivations are built.

use super::place::store_folder;
use super::wire::{Connection, Refusal};
use crate::failure::{Failure, reason};
use crate::world::as_path;
use piton_core::store::{
    Addition, Backend, BuildError, Contents, Method, STORE_DIR, Sink, store_name, write_tree,
};
use piton_core::world::{Answer, WorldError};
use rustc_hash::FxHashSet;
use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What can be asked for.
mod operation {
    pub const IS_VALID_PATH: u64 = 1;
    pub const ADD_TO_STORE: u64 = 7;
    pub const BUILD_PATHS: u64 = 9;
    pub const QUERY_PATH_INFO: u64 = 26;
}

/// A store behind a socket.
pub struct Daemon {
    connection: RefCell<Connection>,
    /// Where its store paths lie, if not where they say.
    folder: Option<PathBuf>,
    /// Paths that are there.
    valid: RefCell<FxHashSet<Vec<u8>>>,
}

impl Daemon {
    /// Connects to the daemon at `socket`, whose store lies below `root`.
    pub fn open(socket: &Path, root: Option<&Path>) -> crate::failure::Result<Self> {
        let connection = Connection::open(socket).map_err(|refusal| {
            Failure::new(format!(
                "cannot connect to the Nix daemon at '{}': {}",
                socket.display(),
                text_of(refusal)
            ))
        })?;
        Ok(Daemon {
            connection: RefCell::new(connection),
            folder: root.map(|root| {
                store_folder(&std::path::absolute(root).unwrap_or_else(|_| root.to_owned()))
            }),
            valid: RefCell::default(),
        })
    }

    fn note(&self, path: &[u8]) {
        self.valid.borrow_mut().insert(path.to_vec());
    }

    fn add_new(&self, addition: &Addition<'_>) -> Result<(), WorldError> {
        let mut connection = self.connection.borrow_mut();
        let mut begin = || {
            connection.number(operation::ADD_TO_STORE)?;
            connection.text(store_name(addition.path))?;
            connection.text(how(addition).as_bytes())?;
            connection.texts(addition.references)?;
            // Do not repair what is there.
            connection.number(0)
        };
        begin().map_err(refused)?;
        let mut frames = connection.frames();
        match (addition.contents, addition.method) {
            (Contents::File(bytes), Method::Recursive) => {
                piton_core::store::write_file(&mut frames, bytes);
            }
            (Contents::File(bytes), _) => frames.write(bytes),
            (Contents::Tree(world), Method::Recursive) => {
                write_tree(&mut frames, world, addition.path)?;
            }
            (Contents::Tree(world), _) => world.read_pieces(addition.path, &mut |_, piece| {
                frames.write(piece);
                Ok(())
            })?,
        }
        frames.end().map_err(refused)?;
        let mut answer = || {
            connection.ask()?;
            let path = connection.read_text()?;
            // Deriver and hash.
            connection.read_text()?;
            connection.read_text()?;
            connection.read_texts()?;
            // When it was added, how long its archive is, whether it was built here.
            for _ in 0..3 {
                connection.read_number()?;
            }
            connection.read_texts()?;
            connection.read_text()?;
            Ok(path)
        };
        let path = answer().map_err(refused)?;
        if path != addition.path {
            return Err(WorldError::Other(format!(
                "the Nix daemon has added '{}' as '{}': its store lies elsewhere, or a file has changed meanwhile",
                String::from_utf8_lossy(addition.path),
                String::from_utf8_lossy(&path)
            )));
        }
        Ok(())
    }
}

/// How a path follows from contents, as the daemon is told.
fn how(addition: &Addition<'_>) -> String {
    let algorithm = addition.algorithm.name();
    match addition.method {
        Method::Text => format!("text:{algorithm}"),
        method => format!("fixed:{}{algorithm}", method.prefix()),
    }
}

impl Backend for Daemon {
    fn add(&self, addition: &Addition<'_>) -> Answer<()> {
        let is_tree = matches!(addition.contents, Contents::Tree(_));
        if self.valid.borrow().contains(addition.path)
            // A tree may be large: it is sent only where it is not there.
            || is_tree && self.contains(addition.path)?
        {
            return Ok(());
        }
        self.add_new(addition)?;
        self.note(addition.path);
        Ok(())
    }

    fn contains(&self, path: &[u8]) -> Answer<bool> {
        if self.valid.borrow().contains(path) {
            return Ok(true);
        }
        let mut connection = self.connection.borrow_mut();
        let mut ask = || {
            connection.number(operation::IS_VALID_PATH)?;
            connection.text(path)?;
            connection.ask()?;
            connection.read_number()
        };
        let is_valid = ask().map_err(refused)? != 0;
        if is_valid {
            self.note(path);
        }
        Ok(is_valid)
    }

    fn require(&self, path: &[u8]) -> Answer<()> {
        if self.contains(path)? {
            return Ok(());
        }
        let path = String::from_utf8_lossy(path);
        Err(WorldError::Other(format!("path '{path}' is not valid")))
    }

    fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>> {
        let mut connection = self.connection.borrow_mut();
        let mut ask = || {
            connection.number(operation::QUERY_PATH_INFO)?;
            connection.text(path)?;
            connection.ask()?;
            if connection.read_number()? == 0 {
                return Ok(Vec::new());
            }
            // Deriver and hash.
            connection.read_text()?;
            connection.read_text()?;
            let mut references = connection.read_texts()?;
            for _ in 0..3 {
                connection.read_number()?;
            }
            connection.read_texts()?;
            connection.read_text()?;
            references.sort_unstable();
            Ok(references)
        };
        ask().map_err(refused)
    }

    fn locate(&self, path: &[u8]) -> Option<Vec<u8>> {
        let base = path.get(STORE_DIR.len() + 1..)?;
        let place = self.folder.as_ref()?.join(as_path(base));
        std::fs::symlink_metadata(&place).ok()?;
        Some(place.as_os_str().as_bytes().to_vec())
    }

    fn build(&self, derivation: &[u8], outputs: &[&[u8]]) -> Result<(), BuildError> {
        let wanted = [derivation, &outputs.join(&b',')].join(&b'!');
        let mut connection = self.connection.borrow_mut();
        let mut ask = || {
            connection.number(operation::BUILD_PATHS)?;
            connection.texts(&[&wanted])?;
            // Build what is not there; do not check or repair what is.
            connection.number(0)?;
            connection.ask()?;
            connection.read_number()
        };
        match ask() {
            Ok(_) => Ok(()),
            Err(refusal) => Err(BuildError::Failed(text_of(refusal))),
        }
    }
}

/// What was refused, in words.
pub fn text_of(refusal: Refusal) -> String {
    match refusal {
        Refusal::Said(text) => text,
        Refusal::Broken(error) => reason(&error),
    }
}

fn refused(refusal: Refusal) -> WorldError {
    WorldError::Other(match refusal {
        Refusal::Said(text) => text,
        Refusal::Broken(error) => format!("the Nix daemon does not answer: {}", reason(&error)),
    })
}
