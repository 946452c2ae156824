//! [`Derivation`], and the text that it is written as.
//!
//! ```text
//!  Derive([("out","<path>","<method:algorithm>","<hash>"),…],[   head: the outputs
//!  ("<derivation>",["out",…]),…                                   inputs: the only part that differs for the modulo hash
//!  ],["<source>",…],"<system>","<builder>",["<argument>",…],[("<variable>","<value>"),…])     tail
//! ```
//!
//! With inputs that are outputs of outputs ([`dynamic`](super::dynamic)) it begins with `DrvWithVersion("xp-dyn-drv",[`, and such
//! an input is `("<derivation>",(["out",…],[("<output>",["out",…]),…]))`.
//!
//! The three parts are written once. Where the paths of outputs will stand, in the head and in variables, is remembered, so that
//! the masked text that those paths are computed from becomes the final one without being written again.

use super::dynamic::{Input, Tree, Visit, Way, merged};
use super::hash::{Algorithm, Hash};
use crate::text::text_bits;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::convert::Infallible;

/// Bytes, borrowed where they can be.
pub type Text<'a> = Cow<'a, [u8]>;

/// Names of outputs: mostly there is one.
pub type OutputNames<'a> = SmallVec<[Text<'a>; 1]>;

/// How what has a known hash is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The bytes of a file.
    Flat,
    /// The archive of a tree.
    Recursive,
    /// The bytes of a file that may refer to other store paths.
    Text,
    /// As Git does.
    Git,
}

impl Method {
    /// As `outputHashMode` names it.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"flat" => Method::Flat,
            b"recursive" | b"nar" => Method::Recursive,
            b"text" => Method::Text,
            b"git" => Method::Git,
            _ => return None,
        })
    }

    /// What stands before the algorithm.
    pub fn prefix(self) -> &'static str {
        match self {
            Method::Flat => "",
            Method::Recursive => "r:",
            Method::Text => "text:",
            Method::Git => "git:",
        }
    }
}

/// What a derivation builds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output<'a> {
    /// At a path that follows from the derivation.
    InputAddressed(Text<'a>),
    /// With a known hash.
    Fixed {
        /// Its path.
        path: Text<'a>,
        /// How it is hashed.
        method: Method,
        /// Its hash.
        hash: Hash,
    },
    /// At a path that follows from what is built.
    Floating {
        /// How it is hashed.
        method: Method,
        /// With which algorithm.
        algorithm: Algorithm,
    },
    /// The same, of a derivation that builds something else each time.
    Impure {
        /// How it is hashed.
        method: Method,
        /// With which algorithm.
        algorithm: Algorithm,
    },
    /// Not known yet: paths of inputs are missing, or the derivation is still being made.
    Deferred,
}

impl Output<'_> {
    /// Its path, if it is known.
    pub fn path(&self) -> Option<&[u8]> {
        match self {
            Output::InputAddressed(path) | Output::Fixed { path, .. } => Some(path),
            Output::Floating { .. } | Output::Impure { .. } | Output::Deferred => None,
        }
    }
}

/// What is to be built, and how. All collections are sorted by the bytes of their names, and have each name once.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Derivation<'a> {
    /// Its name, without `.drv`. Not part of the text.
    pub name: Text<'a>,
    /// What it builds.
    pub outputs: Vec<(Text<'a>, Output<'a>)>,
    /// Derivations whose outputs it needs, and which of them.
    pub input_drvs: Vec<(Text<'a>, OutputNames<'a>)>,
    /// Derivations of which it needs outputs of outputs, and the ways to these: one entry for each way.
    pub dynamic_inputs: Vec<(Text<'a>, Way<'a>)>,
    /// Other store paths that it needs.
    pub input_srcs: Vec<Text<'a>>,
    /// The system that it can be built on.
    pub system: Text<'a>,
    /// The program that builds it.
    pub builder: Text<'a>,
    /// The program's arguments.
    pub args: Vec<Text<'a>>,
    /// The program's environment. Structured attributes are the variable `__json`.
    pub env: Vec<(Text<'a>, Text<'a>)>,
}

/// A part of a text that paths of outputs are still missing in.
#[derive(Default)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    /// Where a path is missing, and of which output.
    holes: Vec<(usize, usize)>,
}

impl Part {
    /// What the part with all paths in place consists of. A path that is not known leaves its place empty.
    fn pieces<'p>(&'p self, paths: &'p [Option<Vec<u8>>]) -> impl Iterator<Item = &'p [u8]> {
        let ends = self.holes.iter().map(|(at, output)| (*at, Some(*output)));
        let mut done = 0;
        ends.chain([(self.bytes.len(), None)])
            .flat_map(move |(end, output)| {
                let before = &self.bytes[std::mem::replace(&mut done, end)..end];
                let path = output.and_then(|output| paths.get(output)?.as_deref());
                [before, path.unwrap_or_default()]
            })
    }

    /// Appends the part with all paths in place.
    pub(super) fn fill(&self, paths: &[Option<Vec<u8>>], out: &mut Vec<u8>) {
        for piece in self.pieces(paths) {
            out.extend_from_slice(piece);
        }
    }

    /// What of `text` follows the part with all paths in place, if it begins with that.
    fn strip_from<'t>(&self, text: &'t [u8], paths: &[Option<Vec<u8>>]) -> Option<&'t [u8]> {
        self.pieces(paths)
            .try_fold(text, |text, piece| text.strip_prefix(piece))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.holes.clear();
    }
}

/// Room for the parts of a text, used again for the next one.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) head: Part,
    /// The inputs as they stand in the text.
    pub(super) inputs: Vec<u8>,
    pub(super) tail: Part,
}

impl Parts {
    /// Whether `text` is this one with all paths in place.
    pub(super) fn make(&self, text: &[u8], paths: &[Option<Vec<u8>>]) -> bool {
        let tail = self
            .head
            .strip_from(text, paths)
            .and_then(|rest| rest.strip_prefix(&self.inputs[..]));
        tail.and_then(|tail| self.tail.strip_from(tail, paths)) == Some(&[])
    }
}

impl<'a> Derivation<'a> {
    /// Sets a variable.
    pub fn set_env(&mut self, name: Text<'a>, value: Text<'a>) {
        match self.env.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(at) => self.env[at].1 = value,
            Err(at) => self.env.insert(at, (name, value)),
        }
    }

    /// All derivations that it needs, sorted, with what it needs of each.
    pub fn inputs<'d>(&'d self) -> Vec<Input<'d, 'a>> {
        merged(&self.input_drvs, &self.dynamic_inputs)
    }

    /// All store paths that the text refers to, sorted.
    pub fn references(&self) -> Vec<&[u8]> {
        let drvs = self.input_drvs.iter().map(|(path, _)| &**path);
        let dynamic = self.dynamic_inputs.iter().map(|(path, _)| &**path);
        let mut all: Vec<&[u8]> = drvs
            .chain(dynamic)
            .chain(self.input_srcs.iter().map(|path| &**path))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The text of its file.
    pub fn write(&self) -> Vec<u8> {
        let mut parts = Parts::default();
        self.write_parts(&mut parts);
        [&parts.head.bytes[..], &parts.inputs, &parts.tail.bytes].concat()
    }

    /// Writes all parts of the text.
    pub(super) fn write_parts(&self, parts: &mut Parts) {
        self.write_head(&mut parts.head);
        parts.inputs.clear();
        self.write_inputs(&mut parts.inputs);
        self.write_tail(&mut parts.tail);
    }

    fn write_head(&self, part: &mut Part) {
        part.clear();
        let out = &mut part.bytes;
        let start: &[u8] = if self.dynamic_inputs.is_empty() {
            b"Derive(["
        } else {
            b"DrvWithVersion(\"xp-dyn-drv\",["
        };
        out.extend_from_slice(start);
        for (index, (name, output)) in self.outputs.iter().enumerate() {
            separate(out, index);
            out.push(b'(');
            plain(out, name);
            out.extend_from_slice(b",\"");
            match output {
                Output::Deferred => part.holes.push((out.len(), index)),
                output => out.extend_from_slice(output.path().unwrap_or_default()),
            }
            out.extend_from_slice(b"\",\"");
            let (method, algorithm, hash) = match output {
                Output::Fixed { method, hash, .. } => {
                    (method.prefix(), hash.algorithm.name(), hash.hex())
                }
                Output::Floating { method, algorithm } => {
                    (method.prefix(), algorithm.name(), Vec::new())
                }
                Output::Impure { method, algorithm } => {
                    (method.prefix(), algorithm.name(), b"impure".to_vec())
                }
                Output::InputAddressed(_) | Output::Deferred => ("", "", Vec::new()),
            };
            for text in [
                method.as_bytes(),
                algorithm.as_bytes(),
                b"\",\"",
                &hash,
                b"\")",
            ] {
                out.extend_from_slice(text);
            }
        }
        out.extend_from_slice(b"],[");
    }

    fn write_inputs(&self, out: &mut Vec<u8>) {
        if !self.dynamic_inputs.is_empty() {
            return self.write_dynamic_inputs(out);
        }
        for (index, (path, outputs)) in self.input_drvs.iter().enumerate() {
            separate(out, index);
            write_input(out, path, outputs.iter().map(|output| &**output));
        }
    }

    fn write_dynamic_inputs(&self, out: &mut Vec<u8>) {
        for (index, (path, outputs, ways)) in self.inputs().into_iter().enumerate() {
            separate(out, index);
            out.push(b'(');
            plain(out, path);
            out.push(b',');
            let outputs = outputs.iter().map(|output| &**output);
            let tree = Tree::new(outputs, ways.iter().map(|(_, way)| &way[..]));
            let Ok(()) = tree.walk::<Infallible>(|visit| {
                match visit {
                    Visit::Enter(outputs, inner) => {
                        out.extend_from_slice(if inner { b"([" } else { b"[" });
                        for (index, output) in outputs.iter().enumerate() {
                            separate(out, index);
                            plain(out, output);
                        }
                        out.extend_from_slice(if inner { b"],[" } else { b"]" });
                    }
                    Visit::Output(name, index) => {
                        separate(out, index);
                        out.push(b'(');
                        plain(out, name);
                        out.push(b',');
                    }
                    Visit::OutputDone => out.push(b')'),
                    Visit::Leave(_, inner) => {
                        out.extend_from_slice(if inner { b"])" } else { b"" })
                    }
                }
                Ok(())
            });
            out.push(b')');
        }
    }

    fn write_tail(&self, part: &mut Part) {
        part.clear();
        let out = &mut part.bytes;
        out.extend_from_slice(b"],[");
        for (index, path) in self.input_srcs.iter().enumerate() {
            separate(out, index);
            plain(out, path);
        }
        out.extend_from_slice(b"],");
        plain(out, &self.system);
        out.push(b',');
        escaped(out, &self.builder);
        out.extend_from_slice(b",[");
        for (index, argument) in self.args.iter().enumerate() {
            separate(out, index);
            escaped(out, argument);
        }
        out.extend_from_slice(b"],[");
        for (index, (name, value)) in self.env.iter().enumerate() {
            separate(out, index);
            out.push(b'(');
            escaped(out, name);
            out.push(b',');
            if value.is_empty()
                && let Some(output) = self.missing_output(name)
            {
                part.holes.push((out.len() + 1, output));
            }
            escaped(out, value);
            out.push(b')');
        }
        out.extend_from_slice(b"])");
    }

    fn missing_output(&self, name: &[u8]) -> Option<usize> {
        self.outputs
            .iter()
            .position(|(output, kind)| **output == *name && *kind == Output::Deferred)
    }
}

/// A derivation, or its modulo hash, and which of its outputs are meant.
pub(super) fn write_input<'a>(
    out: &mut Vec<u8>,
    key: &[u8],
    outputs: impl IntoIterator<Item = &'a [u8]>,
) {
    out.push(b'(');
    plain(out, key);
    out.extend_from_slice(b",[");
    for (index, output) in outputs.into_iter().enumerate() {
        separate(out, index);
        plain(out, output);
    }
    out.extend_from_slice(b"])");
}

/// The comma before all members of a list but the first.
pub(super) fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

/// A text in which nothing is escaped, as Nix does with names and paths.
fn plain(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Which of eight bytes may have to stand behind a backslash: quotes, backslashes, the first control characters. The highest bit of the
/// first one is set, and none before it.
#[inline(always)]
fn specials(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(bytes);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let control = below(word, b'\r' + 1);
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    control | quote | backslash
}

/// Appends `text` as derivations have it: between quotes, with a backslash before quotes and backslashes, and for ends of lines and tabs.
pub fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    const STEP: usize = 8;
    const SPACES: u64 = u64::from_le_bytes([b' '; STEP]);
    out.reserve(text.len() + 2 + STEP);
    out.push(b'"');
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        // Most have none for a while.
        if let Some((words, _)) = rest.split_first_chunk::<{ 2 * STEP }>()
            && let [first, second] = words.as_chunks::<STEP>().0
            && specials(*first) | specials(*second) == 0
        {
            out.extend_from_slice(words);
            at += 2 * STEP;
            continue;
        }
        let word = match rest.first_chunk() {
            Some(word) => *word,
            None => (SPACES << (8 * rest.len()) | text_bits(rest)).to_le_bytes(),
        };
        // All of it is copied at once, and what does not belong there taken back: pieces are short, and to copy just as much would be
        // a call each time.
        let len = out.len();
        out.extend_from_slice(&word);
        let found = specials(word);
        if found == 0 {
            out.truncate(len + rest.len().min(STEP));
            at += STEP;
            continue;
        }
        let place = found.trailing_zeros() as usize / 8;
        at += place + 1;
        let special = word[place];
        let escape = match special {
            b'"' | b'\\' => special,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.truncate(len + place + 1);
                continue;
            }
        };
        out.truncate(len + place);
        out.extend_from_slice(&[b'\\', escape]);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same byte by byte.
    fn expected(text: &[u8]) -> Vec<u8> {
        let mut out = vec![b'"'];
        for byte in text {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                _ => out.push(*byte),
            }
        }
        out.push(b'"');
        out
    }

    #[test]
    fn escapes_at_every_place() {
        for special in [b'"', b'\\', b'\n', b'\r', b'\t', 0, 0x0b, 0x1f, b' ', 0xff] {
            for len in 0..40 {
                for places in [
                    &[0][..],
                    &[1],
                    &[7],
                    &[8],
                    &[0, 1],
                    &[3, 9],
                    &[7, 8, 15],
                    &[39],
                ] {
                    let mut text: Vec<u8> = (b'a'..).take(len).collect();
                    for place in places.iter().filter(|place| **place < len) {
                        text[*place] = special;
                    }
                    let mut out = b"before".to_vec();
                    escaped(&mut out, &text);
                    assert_eq!(out, [b"before", &expected(&text)[..]].concat(), "{text:?}");
                }
            }
        }
    }
}
