//! Archives: the one text that stands for a tree of files, so that it can be hashed. It knows names, contents, links and
//! executable bits, and nothing else.
//!
//! ```text
//!  "nix-archive-1" node          a string is its length in 8 bytes, little-endian, its bytes, and zeros up to a multiple of 8
//!  node = "(" "type" "regular" ["executable" ""] "contents" <bytes> ")"
//!       | "(" "type" "symlink" "target" <bytes> ")"
//!       | "(" "type" "directory" { "entry" "(" "name" <name> "node" node ")" } ")"     sorted by name
//! ```

use super::hash::Digest;
use crate::world::{Answer, FileType, World, WorldError};
use sha2::{Digest as _, Sha256};

/// How deep folders may be nested, as in Nix.
const MAX_DEPTH: usize = 64;

/// Where an archive goes.
pub trait Sink {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]);
}

impl Sink for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn write(&mut self, bytes: &[u8]) {
        (**self).write(bytes);
    }
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Writes an archive node by node: who drives it decides on each entry of a folder, so that a filter may be a function of the
/// program, for which the evaluation has to go on in between.
pub struct NarWriter<S> {
    sink: S,
    /// Folders from the root down to the current one.
    open: Vec<Folder>,
}

struct Folder {
    path: Vec<u8>,
    entries: std::vec::IntoIter<(Vec<u8>, FileType)>,
}

impl<S: Sink> NarWriter<S> {
    /// Begins the archive of what is at `path`.
    pub fn new(sink: S, world: &dyn World, path: &[u8]) -> Answer<Self> {
        let mut writer = NarWriter {
            sink,
            open: Vec::new(),
        };
        let kind = world.file_type(path)?;
        writer.string(b"nix-archive-1");
        writer.node(world, path, kind)?;
        Ok(writer)
    }

    /// The path and type of the next entry, to be [added](Self::add) or left out; `None` once the archive is complete.
    pub fn next_entry(&mut self) -> Option<(Vec<u8>, FileType)> {
        loop {
            let folder = self.open.last_mut()?;
            if let Some((name, kind)) = folder.entries.next() {
                return Some((join(&folder.path, &name), kind));
            }
            self.open.pop();
            self.string(b")");
            if !self.open.is_empty() {
                self.string(b")");
            }
        }
    }

    /// Adds the entry that was last answered.
    pub fn add(&mut self, world: &dyn World, path: &[u8], kind: FileType) -> Answer<()> {
        let name = crate::path::base_name(path);
        for token in [&b"entry"[..], b"(", b"name", name, b"node"] {
            self.string(token);
        }
        let depth = self.open.len();
        self.node(world, path, kind)?;
        if self.open.len() == depth {
            self.string(b")");
        }
        Ok(())
    }

    /// What the archive was written to.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// Writes a node, of a folder only its beginning.
    fn node(&mut self, world: &dyn World, path: &[u8], kind: FileType) -> Answer<()> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        self.string(b"(");
        self.string(b"type");
        match kind {
            FileType::Regular => {
                self.string(b"regular");
                // A file may be larger than memory.
                let mut begun = None;
                world.read_pieces(path, &mut |info, piece| {
                    if begun.is_none() {
                        begun = Some(info.length);
                        if info.executable {
                            self.string(b"executable");
                            self.string(b"");
                        }
                        self.string(b"contents");
                        self.sink.write(&info.length.to_le_bytes());
                    }
                    self.sink.write(piece);
                    Ok(())
                })?;
                self.pad(begun.unwrap_or_default());
            }
            FileType::Symlink => {
                let target = world.read_link(path)?;
                for token in [&b"symlink"[..], b"target", &target] {
                    self.string(token);
                }
            }
            FileType::Directory => {
                if self.open.len() >= MAX_DEPTH {
                    let text = format!(
                        "path '{}' exceeds maximum NAR directory depth of {MAX_DEPTH}",
                        shown()
                    );
                    return Err(WorldError::Other(text));
                }
                self.string(b"directory");
                let mut entries = world.read_dir(path)?;
                entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                self.open.push(Folder {
                    path: path.to_vec(),
                    entries: entries.into_iter(),
                });
                return Ok(());
            }
            FileType::Unknown => {
                return Err(WorldError::Other(format!(
                    "file '{}' has an unsupported type",
                    shown()
                )));
            }
        }
        self.string(b")");
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) {
        self.sink.write(&(bytes.len() as u64).to_le_bytes());
        self.sink.write(bytes);
        self.pad(bytes.len() as u64);
    }

    /// Fills up what is so long to a multiple of 8.
    fn pad(&mut self, length: u64) {
        let rest = (length % 8) as usize;
        if rest > 0 {
            self.sink.write(&[0; 8][rest..]);
        }
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder.strip_suffix(b"/").unwrap_or(folder), name].join(&b'/')
}

/// The hash of the archive of all that is at `path`.
pub fn hash_tree(world: &dyn World, path: &[u8]) -> Answer<Digest> {
    Ok(write_tree(Sha256::new(), world, path)?.finalize().into())
}

/// Writes the archive of all that is at `path`; answers where it went.
pub fn write_tree<S: Sink>(sink: S, world: &dyn World, path: &[u8]) -> Answer<S> {
    let mut writer = NarWriter::new(sink, world, path)?;
    while let Some((path, kind)) = writer.next_entry() {
        writer.add(world, &path, kind)?;
    }
    Ok(writer.into_sink())
}

/// Writes the archive of a file that cannot be executed.
pub fn write_file<S: Sink>(sink: S, contents: &[u8]) -> S {
    let mut writer = NarWriter {
        sink,
        open: Vec::new(),
    };
    for token in [
        &b"nix-archive-1"[..],
        b"(",
        b"type",
        b"regular",
        b"contents",
        contents,
        b")",
    ] {
        writer.string(token);
    }
    writer.into_sink()
}

/// The hash and the length of an archive, which is how a store knows it.
#[derive(Clone, Default)]
pub struct Measure {
    hasher: Sha256,
    length: u64,
}

impl Measure {
    /// Hash and length of all that was written.
    pub fn finish(self) -> (Digest, u64) {
        (self.hasher.finalize().into(), self.length)
    }
}

impl Sink for Measure {
    fn write(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hash::base32;
    use crate::world::{FileInfo, Message, TakePiece};
    use std::sync::Arc;

    /// `{ a -> "x" (executable), d/{ e -> "", l -> link to ../a } }`
    struct Tree;

    impl World for Tree {
        fn read_file(&self, path: &[u8]) -> Answer<Vec<u8>> {
            Ok(if path == b"/t/a" {
                b"x".to_vec()
            } else {
                Vec::new()
            })
        }
        fn read_pieces(&self, path: &[u8], take: TakePiece<'_>) -> Answer<()> {
            let bytes = self.read_file(path)?;
            let info = FileInfo {
                length: bytes.len() as u64,
                executable: path == b"/t/a",
            };
            take(info, &bytes)
        }
        fn read_dir(&self, path: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>> {
            Ok(match path {
                b"/t" => vec![
                    (b"d".to_vec(), FileType::Directory),
                    (b"a".to_vec(), FileType::Regular),
                ],
                _ => vec![
                    (b"l".to_vec(), FileType::Symlink),
                    (b"e".to_vec(), FileType::Regular),
                ],
            })
        }
        fn file_type(&self, _: &[u8]) -> Answer<FileType> {
            Ok(FileType::Directory)
        }
        fn read_link(&self, _: &[u8]) -> Answer<Vec<u8>> {
            Ok(b"../a".to_vec())
        }
        fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>> {
            Ok(path.to_vec())
        }
        fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn current_dir(&self) -> Vec<u8> {
            b"/".to_vec()
        }
        fn time(&self) -> i64 {
            0
        }
        fn system(&self) -> Arc<str> {
            "s".into()
        }
        fn search_path(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
            Vec::new()
        }
        fn emit(&self, _: Message, _: &[u8]) {}
    }

    /// The expected hash is that of `nix-hash --type sha256 --base32` for such a tree.
    #[test]
    fn hashes_are_those_of_nix() {
        let hash = hash_tree(&Tree, b"/t").map(|digest| base32(&digest));
        assert_eq!(
            hash,
            Ok(b"0232rx2yk3ib3z76sj01p65hvbjwxgcwfxf95dnrsx5xk8xby66x".to_vec())
        );
    }
}
