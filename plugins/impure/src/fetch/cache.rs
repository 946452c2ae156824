//! The cache: what was downloaded, unpacked or checked out, and what is known about it.
//!
//! ```text
//!  $PITON_CACHE_HOME, or $XDG_CACHE_HOME/piton, or ~/.cache/piton
//!    fetched-1/
//!      files/<sha256>        a file that was downloaded, named by its contents
//!      trees/<key>/          a tree; the key is a hash of what it was made of
//!      git/<key>/            a bare clone
//!      records/<key>.json    what is known under a name: of a URL its etag and what it led to, of a tree its hash
//!      tmp/                  what is being made; it is renamed when it is complete
//! ```
//!
//! Nothing in it is ever changed, so that several processes may use it; all of it may be deleted at any time.

use super::attrs::{Fault, fault};
use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The cache of this user.
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The one that the environment names, made if it is not there.
    pub fn open() -> Result<Self, Fault> {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let folder = if let Some(folder) = set("PITON_CACHE_HOME") {
            PathBuf::from(folder)
        } else if let Some(folder) = set("XDG_CACHE_HOME") {
            Path::new(&folder).join("piton")
        } else if let Some(home) = set("HOME") {
            Path::new(&home).join(".cache/piton")
        } else {
            return fault(
                "there is no place for the cache of fetched files: neither XDG_CACHE_HOME nor HOME is set",
            );
        };
        let root = folder.join("fetched-1");
        for part in ["files", "trees", "git", "records", "tmp"] {
            make_folder(&root.join(part))?;
        }
        // The evaluator compares real paths.
        let root = root
            .canonicalize()
            .map_err(|error| io_fault("opening", &root, &error))?;
        Ok(Cache { root })
    }

    /// Where a file with these contents is, or would be.
    pub fn file(&self, digest: &[u8]) -> PathBuf {
        self.root.join("files").join(HEXLOWER.encode(digest))
    }

    /// Where the tree of that name is, or would be.
    pub fn tree(&self, name: &str) -> PathBuf {
        self.root.join("trees").join(key(&["tree", name]))
    }

    /// Where the clone of a repository is, or would be.
    pub fn clone_of(&self, url: &str, shallow: bool) -> PathBuf {
        let kind = if shallow { "shallow" } else { "full" };
        self.root.join("git").join(key(&[kind, url]))
    }

    /// What is known under a name.
    pub fn record(&self, kind: &str, name: &str) -> Option<Json> {
        let text = fs::read(self.record_path(kind, name)).ok()?;
        let record: Json = serde_json::from_slice(&text).ok()?;
        // The file's name is a hash; the record says what of.
        (record.get("name")?.as_str()? == name).then_some(record)
    }

    /// Notes what is known under a name. That it cannot be written is no reason to fail.
    pub fn note(&self, kind: &str, name: &str, mut record: Json) {
        if let Some(members) = record.as_object_mut() {
            members.insert("name".to_owned(), json!(name));
            members.insert("time".to_owned(), json!(now()));
        }
        let path = self.record_path(kind, name);
        let written = self.scratch_file().and_then(|file| {
            fs::write(file.path(), record.to_string())
                .and_then(|()| file.persist(&path).map_err(|error| error.error))
                .map_err(|error| io_fault("writing", &path, &error))
        });
        drop(written);
    }

    fn record_path(&self, kind: &str, name: &str) -> PathBuf {
        let file = format!("{}.json", key(&[kind, name]));
        self.root.join("records").join(file)
    }

    /// A file to write to, which is gone unless it is kept.
    pub fn scratch_file(&self) -> Result<tempfile::NamedTempFile, Fault> {
        let folder = self.root.join("tmp");
        tempfile::NamedTempFile::new_in(&folder)
            .map_err(|error| io_fault("writing to", &folder, &error))
    }

    /// A folder to make a tree in, which is gone unless it is [kept](Self::keep).
    pub fn scratch_folder(&self) -> Result<tempfile::TempDir, Fault> {
        let folder = self.root.join("tmp");
        tempfile::TempDir::new_in(&folder).map_err(|error| io_fault("writing to", &folder, &error))
    }

    /// Moves what was made to where it belongs. If somebody was faster, theirs stays.
    pub fn keep(&self, made: &Path, place: &Path) -> Result<(), Fault> {
        match fs::rename(made, place) {
            Ok(()) => Ok(()),
            Err(_) if place.exists() => Ok(()),
            Err(error) => Err(io_fault("renaming", made, &error)),
        }
    }
}

/// Whether a record is younger than `ttl` seconds.
pub fn is_fresh(record: &Json, ttl: u64) -> bool {
    let time = record.get("time").and_then(Json::as_u64).unwrap_or(0);
    now() < time.saturating_add(ttl)
}

/// A text in a record.
pub fn text<'r>(record: &'r Json, name: &str) -> Option<&'r str> {
    record.get(name)?.as_str()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |duration| duration.as_secs())
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|error| io_fault("creating directory", path, &error))
}

/// The failure of the system to do something with a file.
#[cold]
pub fn io_fault(what: &str, path: &Path, error: &io::Error) -> Fault {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    Fault::Other(format!("{what} '{}': {reason}", path.display()))
}

fn key(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    HEXLOWER.encode(&hasher.finalize()[..20])
}
