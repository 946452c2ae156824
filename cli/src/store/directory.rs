//! A directory that is a store: what Nix calls a local store with another root. Whatever lies in it under its name is whole, as
//! it is written under another name first and renamed. To make it valid for Nix, which keeps a database, its records are loaded:
//! `nix-store --store DIR --load-db < DIR/nix/var/piton/registration`.

use super::place::store_folder;
use super::registration::Registration;
use crate::failure::{Failure, reason};
use crate::world::{Outside, as_path};
use filetime::FileTime;
use piton_core::store::{
    Addition, Algorithm, Backend, BuildError, Contents, Measure, Method, ReferenceScanner,
    STORE_DIR, source_path, store_name, write_file, write_tree,
};
use piton_core::world::{Answer, FileType, World, WorldError};
use std::cell::Cell;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const REGISTRATION: &str = "nix/var/piton/registration";

/// A store in a directory.
pub struct Directory {
    /// Where its store paths lie.
    folder: PathBuf,
    registration: Registration,
    /// The file system, as it is.
    disk: Outside,
    /// Numbers the names that are not yet those of store paths.
    drafts: Cell<u64>,
}

impl Directory {
    /// Opens the store below `root`, or makes one.
    pub fn open(root: &Path) -> crate::failure::Result<Self> {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let fail = |error: io::Error| {
            Failure::new(format!(
                "cannot open the store in '{}': {}",
                root.display(),
                reason(&error)
            ))
        };
        let folder = store_folder(&root);
        fs::create_dir_all(&folder).map_err(fail)?;
        let records = root.join(REGISTRATION);
        if let Some(parent) = records.parent() {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        Ok(Directory {
            folder,
            registration: Registration::open(&records).map_err(fail)?,
            disk: Outside::everything(),
            drafts: Cell::new(0),
        })
    }

    /// Where a store path lies.
    fn place(&self, path: &[u8]) -> PathBuf {
        let base = path.get(STORE_DIR.len() + 1..).unwrap_or_default();
        self.folder.join(as_path(base))
    }

    fn is_there(&self, path: &[u8]) -> bool {
        fs::symlink_metadata(self.place(path)).is_ok()
    }

    /// A name beside the store paths that nobody else uses.
    fn draft(&self) -> PathBuf {
        let number = self.drafts.get();
        self.drafts.set(number + 1);
        self.folder
            .join(format!(".piton-{}-{number}", std::process::id()))
    }

    fn measure(&self, place: &Path) -> Answer<Measure> {
        write_tree(Measure::default(), &self.disk, place.as_os_str().as_bytes())
    }

    /// Writes what is new; answers what it measures.
    fn write(&self, addition: &Addition<'_>) -> Answer<Measure> {
        let draft = self.draft();
        let measured = match addition.contents {
            Contents::File(bytes) => write_plain(&draft, bytes)
                .map_err(|error| refusal(addition.path, &error))
                .map(|()| write_file(Measure::default(), bytes)),
            Contents::Tree(world) => copy(world, addition.path, &draft)
                .and_then(|()| self.measure(&draft))
                .and_then(|measure| unchanged(addition, measure)),
        };
        let renamed = measured.and_then(|measure| {
            match fs::rename(&draft, self.place(addition.path)) {
                // Somebody else has added it meanwhile.
                Err(_) if self.is_there(addition.path) => {
                    remove(&draft);
                    Ok(measure)
                }
                Err(error) => Err(refusal(addition.path, &error)),
                Ok(()) => Ok(measure),
            }
        });
        if renamed.is_err() {
            remove(&draft);
        }
        renamed
    }
}

impl Backend for Directory {
    fn add(&self, addition: &Addition<'_>) -> Answer<()> {
        if self.registration.contains(addition.path) && self.is_there(addition.path) {
            return Ok(());
        }
        let measure = if self.is_there(addition.path) {
            self.measure(&self.place(addition.path))?
        } else {
            self.write(addition)?
        };
        if self.registration.contains(addition.path) {
            return Ok(());
        }
        self.registration
            .add(addition.path, measure.finish(), addition.references)
            .map_err(|error| refusal(addition.path, &error))
    }

    fn contains(&self, path: &[u8]) -> Answer<bool> {
        Ok(self.is_there(path))
    }

    fn require(&self, path: &[u8]) -> Answer<()> {
        if self.is_there(path) {
            return Ok(());
        }
        let path = String::from_utf8_lossy(path);
        Err(WorldError::Other(format!("path '{path}' is not valid")))
    }

    /// Of what Nix has added or built in this directory the references are found by looking for them.
    fn references(&self, path: &[u8]) -> Answer<Vec<Vec<u8>>> {
        if let Some(references) = self.registration.references(path) {
            return Ok(references);
        }
        if !self.is_there(path) {
            return Ok(Vec::new());
        }
        let folder = self.folder.as_os_str().as_bytes();
        let names: Vec<Vec<u8>> = self
            .disk
            .read_dir(folder)?
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let hash = |name: &[u8]| {
            name.get(..32)
                .and_then(|hash| <[u8; 32]>::try_from(hash).ok())
        };
        let mut scanner = ReferenceScanner::new(names.iter().filter_map(|name| hash(name)));
        write_tree(
            &mut scanner,
            &self.disk,
            self.place(path).as_os_str().as_bytes(),
        )?;
        let found = scanner.found();
        let mut references: Vec<Vec<u8>> = names
            .iter()
            .filter(|name| hash(name).is_some_and(|hash| found.binary_search(&hash).is_ok()))
            .map(|name| [STORE_DIR.as_bytes(), name].join(&b'/'))
            .collect();
        references.sort_unstable();
        Ok(references)
    }

    fn locate(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.is_there(path)
            .then(|| self.place(path).as_os_str().as_bytes().to_vec())
    }

    fn build(&self, _: &[u8], _: &[&[u8]]) -> Result<(), BuildError> {
        Err(BuildError::NoBuilder)
    }
}

/// An error if a tree has changed since its path was computed.
fn unchanged(addition: &Addition<'_>, measure: Measure) -> Answer<Measure> {
    if addition.method != Method::Recursive || addition.algorithm != Algorithm::Sha256 {
        return Ok(measure);
    }
    let (hash, _) = measure.clone().finish();
    let references = addition.references.iter().copied();
    if source_path(store_name(addition.path), &hash, references).as_deref() == Ok(addition.path) {
        return Ok(measure);
    }
    Err(WorldError::Other(format!(
        "'{}' has changed while it was added to the store",
        String::from_utf8_lossy(addition.path)
    )))
}

fn refusal(path: &[u8], error: &io::Error) -> WorldError {
    let path = String::from_utf8_lossy(path);
    WorldError::Other(format!(
        "cannot add '{path}' to the store: {}",
        reason(error)
    ))
}

/// The moment that everything in a store was changed last.
const THEN: FileTime = FileTime::from_unix_time(1, 0);

/// Writes a file as a store has them: for reading alone, and without a date.
fn write_plain(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mode = mode(false);
    let mut file = create(place, mode)?;
    file.write_all(bytes)?;
    close(&file, mode)
}

fn mode(executable: bool) -> u32 {
    if executable { 0o555 } else { 0o444 }
}

fn create(place: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(place)
}

/// Nothing more is written to the file.
fn close(file: &File, mode: u32) -> io::Result<()> {
    // What the process masks must not count.
    file.set_permissions(Permissions::from_mode(mode))?;
    filetime::set_file_handle_times(file, Some(THEN), Some(THEN))
}

/// Copies what `world` shows at `from`, the folders of it from the innermost one closed for writing.
fn copy(world: &dyn World, from: &[u8], to: &Path) -> Answer<()> {
    let fail = |error: io::Error| refusal(from, &error);
    let mut folders = Vec::new();
    let mut todo = vec![(from.to_vec(), to.to_owned(), world.file_type(from)?)];
    while let Some((from, to, kind)) = todo.pop() {
        match kind {
            FileType::Regular => {
                let mut created = None;
                world.read_pieces(&from, &mut |info, piece| {
                    let (file, _) = match &mut created {
                        Some(created) => created,
                        none => {
                            let mode = mode(info.executable);
                            none.insert((create(&to, mode).map_err(fail)?, mode))
                        }
                    };
                    file.write_all(piece).map_err(fail)
                })?;
                if let Some((file, mode)) = created {
                    close(&file, mode).map_err(fail)?;
                }
            }
            FileType::Symlink => {
                symlink(as_path(&world.read_link(&from)?), &to).map_err(fail)?;
                filetime::set_symlink_file_times(&to, THEN, THEN).map_err(fail)?;
            }
            FileType::Directory => {
                fs::create_dir(&to).map_err(fail)?;
                for (name, kind) in world.read_dir(&from)? {
                    todo.push((
                        [&from[..], &name].join(&b'/'),
                        to.join(as_path(&name)),
                        kind,
                    ));
                }
                folders.push(to);
            }
            FileType::Unknown => {
                let path = String::from_utf8_lossy(&from);
                return Err(WorldError::Other(format!(
                    "file '{path}' has an unsupported type"
                )));
            }
        }
    }
    for folder in folders.iter().rev() {
        fs::set_permissions(folder, Permissions::from_mode(0o555)).map_err(fail)?;
        filetime::set_file_times(folder, THEN, THEN).map_err(fail)?;
    }
    Ok(())
}

/// Removes a draft. If that fails it stays, under a name that nobody takes for a store path.
fn remove(draft: &Path) {
    let is_folder = fs::symlink_metadata(draft).is_ok_and(|metadata| metadata.is_dir());
    if !is_folder {
        let _ = fs::remove_file(draft);
        return;
    }
    // Folders that are closed already have to be opened again.
    let mut todo = vec![draft.to_owned()];
    while let Some(folder) = todo.pop() {
        let _ = fs::set_permissions(&folder, Permissions::from_mode(0o755));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        todo.extend(
            entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
    match fs::remove_dir_all(draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let text = format!("cannot remove '{}': {}", draft.display(), reason(&error));
            crate::terminal::warn(&text);
        }
        _ => {}
    }
}
