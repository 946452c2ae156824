//! Source texts and positions in them. A [`Pos`] is one number for file and offset; line and column are
//! computed only when somebody looks.

use crate::world::World;
use bytes::Bytes;
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// A position: 0 is "nowhere"; otherwise the base of its file plus the byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Pos(pub u32);

impl Pos {
    /// The position of what has none.
    pub const NONE: Pos = Pos(0);

    /// Whether this is a place in a source.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Where a source text came from, which is how messages name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A file, by its canonical path.
    File(Arc<[u8]>),
    /// An expression given as text (`--expr`): «string».
    String,
    /// Standard input: «stdin».
    Stdin,
    /// Nix text within a plugin: «internal».
    Internal,
}

impl Origin {
    /// The path of a file, for XML; empty for a text that is no file.
    pub fn path_text(&self) -> Option<String> {
        match self {
            Origin::File(_) => Some(self.display()),
            Origin::String | Origin::Stdin | Origin::Internal => None,
        }
    }

    /// The name that messages print.
    pub fn display(&self) -> String {
        match self {
            Origin::File(path) => String::from_utf8_lossy(path).into_owned(),
            Origin::String => "«string»".to_owned(),
            Origin::Stdin => "«stdin»".to_owned(),
            Origin::Internal => "«internal»".to_owned(),
        }
    }
}

/// One source text.
pub struct SourceFile {
    /// Where it came from.
    pub origin: Origin,
    /// Its bytes. Those of a file are let go when it has been compiled, and read again for a message that shows them.
    text: OnceLock<Bytes>,
    /// How many these are.
    len: usize,
    /// A hash of a text that was let go.
    hash: u64,
    base: u32,
    /// Where the lines begin, once somebody has asked for one.
    starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// Its bytes; empty if they have been let go.
    pub fn text(&self) -> &[u8] {
        self.text.get().map_or(&[], |text| text)
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The position of byte `offset` of this text.
    pub fn pos(&self, offset: usize) -> Pos {
        Pos(self.base + offset.min(self.len) as u32)
    }

    /// Line and column of byte `offset`, both from 1. None if the text has been let go and `world` has another one by now.
    pub fn line_and_column(&self, offset: usize, world: Option<&dyn World>) -> Option<(u32, u32)> {
        let offset = offset.min(self.len) as u32;
        let starts = match self.starts.get() {
            Some(starts) => starts,
            None => {
                let starts = line_starts(&self.bytes(world)?);
                self.starts.get_or_init(|| starts)
            }
        };
        let line = starts.partition_point(|start| *start <= offset);
        Some((line as u32, offset - starts[line - 1] + 1))
    }

    /// Its bytes, if they are here or still those of the file.
    fn bytes(&self, world: Option<&dyn World>) -> Option<Bytes> {
        if let Some(text) = self.text.get() {
            return Some(text.clone());
        }
        let Origin::File(path) = &self.origin else {
            return None;
        };
        let text = world?.read_file(path).ok()?;
        (text.len() == self.len && hash(&text) == self.hash).then(|| text.into())
    }

    fn release(&mut self) {
        if let Some(text) = self.text.take() {
            self.hash = hash(&text);
        }
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish()
}

/// As in Nix, a carriage return ends a line with or without a line feed behind it.
fn line_starts(text: &[u8]) -> Vec<u32> {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text)
        .filter(|end| text[*end] == b'\n' || text.get(end + 1) != Some(&b'\n'));
    std::iter::once(0)
        .chain(ends.map(|end| end as u32 + 1))
        .collect()
}

/// A position, resolved. Lines and columns count from 1, columns in bytes, as in Nix.
pub struct Location<'a> {
    /// The file it lies in.
    pub file: &'a SourceFile,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    world: Option<&'a dyn World>,
}

impl<'a> Location<'a> {
    /// The text of the line `delta` lines away (0: this line), without its end.
    pub fn line_text(&self, delta: i64) -> Option<&'a [u8]> {
        let wanted = usize::try_from(i64::from(self.line) + delta - 1).ok()?;
        let text = self.file.bytes(self.world)?;
        if text.is_empty() {
            return None;
        }
        let text = self.file.text.get_or_init(|| text);
        let starts = self.file.starts.get()?;
        let start = *starts.get(wanted)? as usize;
        let Some(next) = starts.get(wanted + 1) else {
            return Some(&text[start..]);
        };
        let line = &text[start..*next as usize];
        Some(
            line.strip_suffix(b"\r\n")
                .unwrap_or(&line[..line.len() - 1]),
        )
    }
}

/// All sources of an evaluation.
#[derive(Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    /// Where the texts of files are read again.
    world: Option<Rc<dyn World>>,
}

impl SourceMap {
    /// No sources yet; their files are in `world`.
    pub fn of(world: Rc<dyn World>) -> Self {
        SourceMap {
            files: Vec::new(),
            world: Some(world),
        }
    }

    /// Registers a text, or says why not: all sources together hold less than 4 GiB.
    pub fn add(&mut self, origin: Origin, text: Bytes) -> Result<&SourceFile, &'static str> {
        let base = self
            .files
            .last()
            .map_or(1, |last| u64::from(last.base) + last.len as u64 + 1);
        if base + text.len() as u64 >= u64::from(u32::MAX) {
            return Err("the sources of this evaluation exceed the limit of 4 GiB");
        }
        self.files.push(SourceFile {
            origin,
            len: text.len(),
            text: OnceLock::from(text),
            base: base as u32,
            hash: 0,
            starts: OnceLock::new(),
        });
        Ok(self.files.last().expect("just pushed"))
    }

    /// The position of the first byte of the text that will be registered next.
    pub fn end(&self) -> Pos {
        Pos(self
            .files
            .last()
            .map_or(1, |last| last.base + last.len as u32 + 1))
    }

    /// Lets go of the text that was registered last, if it is that of a file that can be read again, when somebody asks for its
    /// lines.
    pub fn release_last(&mut self, can_be_read: impl FnOnce(&[u8]) -> bool) {
        if let Some(file) = self.files.last_mut()
            && let Origin::File(path) = &file.origin
            && can_be_read(path)
        {
            file.release();
        }
    }

    /// The file that `pos` lies in.
    pub fn file(&self, pos: Pos) -> Option<&SourceFile> {
        if !pos.is_some() {
            return None;
        }
        let index = self
            .files
            .partition_point(|file| file.base <= pos.0)
            .checked_sub(1)?;
        Some(&self.files[index])
    }

    /// File, line and column of `pos`. None if it is nowhere, or in a file that has changed since it was evaluated.
    pub fn locate(&self, pos: Pos) -> Option<Location<'_>> {
        let file = self.file(pos)?;
        let world = self.world.as_deref();
        let (line, column) = file.line_and_column((pos.0 - file.base) as usize, world)?;
        Some(Location {
            file,
            line,
            column,
            world,
        })
    }
}
