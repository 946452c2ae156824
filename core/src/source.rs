//! Source texts and positions in them. A [`Pos`] is one number for file and offset; line and column are
//! computed only when somebody looks.

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
    /// Its bytes. Those of a file are let go when it has been compiled, and read again if a message shows them.
    text: OnceLock<Bytes>,
    /// How many these are.
    len: usize,
    base: u32,
    /// What tells where the lines begin while the text is not there.
    lines: Lines,
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

    /// Line and column of byte `offset`, both from 1.
    pub fn line_and_column(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.len) as u32;
        let starts = self.starts();
        let line = starts.partition_point(|start| *start <= offset);
        (line as u32, offset - starts[line - 1] + 1)
    }

    /// The text of a line, counted from 0, without its end, if the text is there.
    fn line(&self, index: usize) -> Option<&[u8]> {
        let text = self.text.get().filter(|text| !text.is_empty())?;
        let starts = self.starts();
        let start = *starts.get(index)? as usize;
        let end = starts
            .get(index + 1)
            .map_or(text.len(), |end| *end as usize);
        let line = &text[start..end];
        Some(if index + 1 == starts.len() {
            line
        } else {
            line.strip_suffix(b"\r\n")
                .unwrap_or(&line[..line.len() - 1])
        })
    }

    fn starts(&self) -> &[u32] {
        self.starts.get_or_init(|| match self.text.get() {
            Some(text) => Lines::of(text).starts(),
            None => self.lines.starts(),
        })
    }

    fn release(&mut self) {
        if let Some(text) = self.text.take() {
            self.lines = Lines::of(&text);
        }
    }
}

/// How long the lines of a text are, in as little memory as it takes: a byte for each line, more for long ones.
#[derive(Default, PartialEq)]
struct Lines(Box<[u8]>);

impl Lines {
    /// So much and another byte.
    const MORE: u8 = u8::MAX;

    /// As in Nix, a carriage return ends a line with or without a line feed behind it.
    fn of(text: &[u8]) -> Self {
        let mut packed = Vec::with_capacity(text.len() / 16);
        let mut start = 0;
        for end in memchr::memchr2_iter(b'\n', b'\r', text) {
            if text[end] == b'\r' && text.get(end + 1) == Some(&b'\n') {
                continue;
            }
            let mut len = end + 1 - start;
            while len >= usize::from(Self::MORE) {
                packed.push(Self::MORE);
                len -= usize::from(Self::MORE);
            }
            packed.push(len as u8);
            start = end + 1;
        }
        Lines(packed.into())
    }

    /// Where they begin.
    fn starts(&self) -> Vec<u32> {
        let mut starts = vec![0];
        let mut at = 0;
        for byte in &self.0 {
            at += u32::from(*byte);
            if *byte != Self::MORE {
                starts.push(at);
            }
        }
        starts
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
        self.file.line(wanted)
    }
}

/// All sources of an evaluation.
#[derive(Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Registers a text, or says why not: all sources together hold less than 4 GiB.
    pub fn add(&mut self, origin: Origin, text: &[u8]) -> Result<&SourceFile, &'static str> {
        let base = self
            .files
            .last()
            .map_or(1, |last| u64::from(last.base) + last.len as u64 + 1);
        if base + text.len() as u64 >= u64::from(u32::MAX) {
            return Err("the sources of this evaluation exceed the limit of 4 GiB");
        }
        self.files.push(SourceFile {
            origin,
            text: OnceLock::from(Bytes::copy_from_slice(text)),
            len: text.len(),
            base: base as u32,
            lines: Lines::default(),
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

    /// Lets go of the text that was registered last, if it is that of a file.
    pub fn release_last(&mut self) {
        if let Some(file) = self.files.last_mut()
            && matches!(file.origin, Origin::File(_))
        {
            file.release();
        }
    }

    /// Has the text that `pos` lies in again, from what `read` answers for its path. If that is another text by now, as the lengths
    /// of its lines tell, there is none: line and column of `pos` are those of what was evaluated.
    pub fn recall(&self, pos: Pos, read: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        if let Some(file) = self.file(pos)
            && let Origin::File(path) = &file.origin
            && file.text.get().is_none()
            && let Some(text) = read(path)
            && text.len() == file.len
            && Lines::of(&text) == file.lines
        {
            file.text.get_or_init(|| text.into());
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

    /// File, line and column of `pos`.
    pub fn locate(&self, pos: Pos) -> Option<Location<'_>> {
        let file = self.file(pos)?;
        let (line, column) = file.line_and_column((pos.0 - file.base) as usize);
        Some(Location { file, line, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: usize = 600;

    fn text() -> Vec<u8> {
        let long = "x".repeat(LONG);
        let exact = "y".repeat(254);
        format!("a\nbc\r\nd\re\n\n{long}\n{exact}\nlast").into_bytes()
    }

    fn map(origin: Origin) -> SourceMap {
        let mut sources = SourceMap::default();
        sources.add(Origin::String, b"before").expect("small");
        sources.add(origin, &text()).expect("small");
        sources
    }

    /// Every position with the lines around it.
    fn shown(sources: &SourceMap) -> Vec<(u32, u32, Option<Vec<u8>>)> {
        let base = sources.files[1].base;
        (0..=text().len() as u32)
            .map(|offset| {
                let at = sources.locate(Pos(base + offset)).expect("a place");
                (at.line, at.column, at.line_text(0).map(<[u8]>::to_vec))
            })
            .collect()
    }

    #[test]
    fn what_was_let_go_is_read_again() {
        let origin = Origin::File(Arc::from(&b"/a.nix"[..]));
        let kept = shown(&map(origin.clone()));
        assert_eq!(kept[2], (2, 1, Some(b"bc".to_vec())));
        assert_eq!(kept[6], (3, 1, Some(b"d".to_vec())));
        assert_eq!(kept[8], (4, 1, Some(b"e".to_vec())));
        assert_eq!(kept[10], (5, 1, Some(Vec::new())));
        assert_eq!(kept[11 + LONG].1, LONG as u32 + 1);
        assert_eq!(kept.last().expect("not empty").2, Some(b"last".to_vec()));

        let mut sources = map(origin.clone());
        sources.release_last();
        let places = |shown: &[(u32, u32, _)]| -> Vec<_> {
            shown
                .iter()
                .map(|(line, column, _)| (*line, *column))
                .collect()
        };
        let gone = shown(&sources);
        assert_eq!(places(&gone), places(&kept));
        assert!(gone.iter().all(|(_, _, line)| line.is_none()));

        let pos = sources.files[1].pos(3);
        sources.recall(pos, |path| {
            assert_eq!(path, b"/a.nix");
            Some(text())
        });
        assert_eq!(shown(&sources), kept);
    }

    #[test]
    fn another_text_is_not_shown() {
        let origin = Origin::File(Arc::from(&b"/a.nix"[..]));
        let mut shorter = text();
        shorter.pop();
        let mut other = text();
        other[0] = b'\n';
        for read in [None, Some(shorter), Some(other)] {
            let mut sources = map(origin.clone());
            sources.release_last();
            let before = shown(&sources);
            sources.recall(sources.files[1].pos(0), |_| read.clone());
            assert_eq!(shown(&sources), before);
        }
    }

    #[test]
    fn a_text_that_is_no_file_stays() {
        let mut sources = map(Origin::String);
        let before = shown(&sources);
        sources.release_last();
        assert_eq!(shown(&sources), before);
    }
}
