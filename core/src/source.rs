//! Source texts and positions in them. A [`Pos`] is one number for file and offset; line and column are
//! computed only when somebody looks.

use crate::kept::Keeper;
use bytes::Bytes;
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
    /// Its bytes.
    pub text: Bytes,
    base: u32,
    /// Where the lines begin, once somebody has asked for one.
    starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// The position of byte `offset` of this text.
    pub fn pos(&self, offset: usize) -> Pos {
        Pos(self.base + offset.min(self.text.len()) as u32)
    }

    /// The lines of the text without their ends. As in Nix, a carriage return ends a line with or without a line feed
    /// behind it.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = Some(0);
        std::iter::from_fn(move || {
            let rest = &self.text[start?..];
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let line = &rest[..end.unwrap_or(rest.len())];
            start = start.zip(end).map(|(start, end)| {
                start
                    + end
                    + if rest[end..].starts_with(b"\r\n") {
                        2
                    } else {
                        1
                    }
            });
            Some(line)
        })
    }

    /// Line and column of byte `offset`, both from 1.
    pub fn line_and_column(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len()) as u32;
        let starts = self.starts.get_or_init(|| self.line_starts());
        let line = starts.partition_point(|start| *start <= offset);
        (line as u32, offset - starts[line - 1] + 1)
    }

    fn line_starts(&self) -> Vec<u32> {
        let ends_line = |(at, byte): &(usize, &u8)| match byte {
            b'\n' => true,
            b'\r' => self.text.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let ends = self.text.iter().enumerate().filter(ends_line);
        std::iter::once(0)
            .chain(ends.map(|(at, _)| at as u32 + 1))
            .collect()
    }
}

/// A position, resolved. Lines and columns count from 1, columns in bytes, as in Nix.
pub struct Location<'a> {
    /// The file it lies in.
    pub file: &'a SourceFile,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

impl<'a> Location<'a> {
    /// The text of the line `delta` lines away (0: this line), without its end.
    pub fn line_text(&self, delta: i64) -> Option<&'a [u8]> {
        let wanted = usize::try_from(i64::from(self.line) + delta - 1).ok()?;
        if self.file.text.is_empty() {
            return None;
        }
        self.file.lines().nth(wanted)
    }
}

/// All sources of an evaluation.
#[derive(Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    keeper: Keeper,
}

impl SourceMap {
    /// Registers a text, or says why not: all sources together hold less than 4 GiB.
    pub fn add(&mut self, origin: Origin, text: &[u8]) -> Result<&SourceFile, &'static str> {
        let base = self
            .files
            .last()
            .map_or(1, |last| u64::from(last.base) + last.text.len() as u64 + 1);
        if base + text.len() as u64 >= u64::from(u32::MAX) {
            return Err("the sources of this evaluation exceed the limit of 4 GiB");
        }
        self.files.push(SourceFile {
            origin,
            text: self.keeper.keep(text),
            base: base as u32,
            starts: OnceLock::new(),
        });
        Ok(self.files.last().expect("just pushed"))
    }

    /// The position of the first byte of the text that will be registered next.
    pub fn end(&self) -> Pos {
        Pos(self
            .files
            .last()
            .map_or(1, |last| last.base + last.text.len() as u32 + 1))
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

    /// File, line and column of `pos`.
    pub fn locate(&self, pos: Pos) -> Option<Location<'_>> {
        let file = self.file(pos)?;
        let (line, column) = file.line_and_column((pos.0 - file.base) as usize);
        Some(Location { file, line, column })
    }
}
