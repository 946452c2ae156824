//! The cache of compiled files, one for each version of the program.
//!
//! ```text
//!  $PITON_CACHE_HOME, or $XDG_CACHE_HOME/piton, or ~/.cache/piton
//!    code-<id>/ab/<key>    the code | its checksum, XXH3 of 128 bits
//! ```
//!
//! An entry is written under another name and renamed when it is complete, so that several processes may use the cache. One whose
//! checksum is not right answers nothing, and is replaced: it is against accidents, as whoever may write here could write any. All
//! of it may be deleted at any time.

use crate::world::{MAX_AT_ONCE, read_up_to};
use piton_core::code_cache::{CodeCache, Key};
use piton_core::store::hex;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use twox_hash::XxHash3_128;

/// Bytes of the checksum that an entry ends with.
const CHECKSUM: usize = 16;

fn checksum(code: &[u8]) -> [u8; CHECKSUM] {
    XxHash3_128::oneshot(code).to_le_bytes()
}

/// The cache of this user and this version of the program.
pub struct Folder {
    root: PathBuf,
    drafts: AtomicU64,
}

impl Folder {
    /// The one that the environment names, if it does.
    pub fn open() -> Option<Self> {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let home = set("PITON_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("XDG_CACHE_HOME").map(|folder| Path::new(&folder).join("piton")))
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache/piton")))?;
        Some(Folder {
            root: home.join(concat!("code-", env!("PITON_CODE_ID"))),
            drafts: AtomicU64::new(0),
        })
    }

    fn place(&self, key: &Key) -> PathBuf {
        let name = String::from_utf8_lossy(&hex(key)).into_owned();
        self.root.join(&name[..2]).join(&name[2..])
    }

    fn write(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(key);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = self
            .root
            .join(format!("draft-{}-{number}", std::process::id()));
        let written = fs::write(&draft, [bytes, &checksum(bytes)].concat())
            .and_then(|()| fs::rename(&draft, place));
        if written.is_err() {
            // What cannot be written may not be there to be removed either.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

impl CodeCache for Folder {
    fn load(&self, key: &Key) -> Option<Vec<u8>> {
        let mut file = fs::File::open(self.place(key)).ok()?;
        let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
        if length > MAX_AT_ONCE {
            return None;
        }
        let mut entry = Vec::new();
        read_up_to(&mut file, &mut entry, length).ok()?;
        let end = entry.len().checked_sub(CHECKSUM)?;
        let (code, stated) = entry.split_at(end);
        if checksum(code) != *stated {
            return None;
        }
        entry.truncate(end);
        Some(entry)
    }

    fn store(&self, key: &Key, bytes: &[u8]) {
        // A cache that cannot be written (a folder of somebody else, a full disk) is one that stays empty.
        let _ = self.write(key, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_entries_are_ignored_and_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Folder {
            root: folder.path().join("code"),
            drafts: AtomicU64::new(0),
        };
        let key = [7; 32];
        assert_eq!(cache.load(&key), None);
        cache.store(&key, b"code");
        assert_eq!(cache.load(&key).as_deref(), Some(&b"code"[..]));
        for damage in [&b""[..], b"short", &[0; 64]] {
            fs::write(cache.place(&key), damage).expect("the entry can be damaged");
            assert_eq!(cache.load(&key), None);
        }
        cache.store(&key, b"other");
        assert_eq!(cache.load(&key).as_deref(), Some(&b"other"[..]));
        let drafts = fs::read_dir(&cache.root)
            .expect("the cache is there")
            .count();
        assert_eq!(drafts, 1, "only the folder of the entry");
    }
}
