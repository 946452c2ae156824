//! Code as bytes: what a file is compiled to, in the form in which it waits until it is run, and in which it can be kept on disk.
//!
//! ```text
//!  kept    paths to files of Nix, names of symbols, which of them each symbol is, root, then the code of the whole
//!  code    head | parameters, formals | body
//!  head    kind, position, name, registers, arity, captures
//!  body    number, if it is left out, or
//!          children (how far before this code), constants, shapes, selects, strict arguments, parts,
//!          instructions (8 bytes each), positions of calls, those of the other instructions
//! ```
//!
//! Numbers are in LEB128. Symbols are numbered by the image; positions count from the beginning of the file, and where many follow
//! each other, each from the one before. So an image does not depend on what else has been evaluated. The head comes first
//! since making a thunk takes only the head of its code, and most bodies are never looked at. Positions of other instructions
//! than calls, of parts and of operands come last, since most are never asked for.

use super::code::{
    CaptureSource, CodeKind, Constant, FormalSpec, FormalsSpec, Operand, OperandOf, Part,
};
use super::instruction::{Instruction, OperandUse};
use crate::source::Pos;
use crate::symbol::{Interner, Symbol};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// The code of a file.
pub struct Image {
    pub(super) bytes: Bytes,
    /// Where the code begins in `bytes`.
    pub(super) code: usize,
    pub(super) symbols: Box<[Symbol]>,
    /// Paths in it that may be files of Nix, in their order.
    pub(super) paths: Vec<Box<[u8]>>,
    /// The position of the file's first byte.
    pub(super) base: u32,
    pub(super) root: CodePlace,
    /// Who has the bodies that it lacks.
    pub(super) deferred: Option<Rc<dyn Deferred>>,
}

/// Set in the kind of code whose body is not in the image.
pub(super) const DEFERRED: u8 = 0x80;

/// Bodies that are compiled when they first run.
pub trait Deferred {
    /// The image whose root is body `number`; its captures are those that the head of the body says.
    fn compile(&self, number: u32, interner: &mut Interner) -> Image;
}

/// What making a thunk or a closure takes of its code, beside the captures.
pub struct Head {
    /// As in [`Code`](super::Code).
    pub kind: CodeKind,
    /// As in [`Code`](super::Code).
    pub pos: Pos,
    /// As in [`Code`](super::Code).
    pub name: Option<Symbol>,
    /// As in [`Code`](super::Code).
    pub registers: u16,
    /// As in [`Code`](super::Code).
    pub arity: u16,
    /// How many captures it has.
    pub captures: u16,
    /// Where it stands.
    pub place: CodePlace,
}

/// What a function takes.
pub struct Signature {
    /// As in [`Code`](super::Code).
    pub parameters: Box<[(Option<Symbol>, Pos)]>,
    /// As in [`Code`](super::Code).
    pub formals: Box<[FormalsSpec]>,
}

/// Where code stands in its image.
#[derive(Clone, Copy, Debug)]
pub struct CodePlace(pub(super) u32);

/// Where in an image the positions begin of instructions that are no calls.
#[derive(Clone, Copy, Debug)]
pub struct PositionsPlace(usize);

impl Image {
    /// The head of the whole.
    pub fn root(&self) -> Head {
        self.head(self.root, &mut Vec::new())
    }

    /// A head. Its captures are appended to `captures`.
    pub fn head(&self, place: CodePlace, captures: &mut Vec<CaptureSource>) -> Head {
        self.reader(place).head(captures)
    }

    /// What a function takes.
    pub fn signature(&self, place: CodePlace) -> Signature {
        let mut reader = self.reader(place);
        reader.head(&mut Vec::new());
        Signature {
            parameters: reader.many(|reader| (reader.optional_symbol(), reader.pos())),
            formals: reader.formals(),
        }
    }

    /// Lets bodies that it lacks be compiled by `deferred`.
    pub fn defer(&mut self, deferred: Rc<dyn Deferred>) {
        self.deferred = Some(deferred);
    }

    /// The image with the body of the code at `place` as its root, if this one lacks it.
    pub fn compile_deferred(&self, place: CodePlace, interner: &mut Interner) -> Option<Self> {
        let deferred = self.deferred.as_ref()?;
        if self.reader(place).byte() & DEFERRED == 0 {
            return None;
        }
        let mut reader = self.body(place);
        reader.count();
        Some(deferred.compile(reader.small(), interner))
    }

    /// What there is to read at `place`.
    pub fn positions(&self, PositionsPlace(at): PositionsPlace) -> Reader<'_> {
        Reader {
            image: self,
            bytes: Cursor {
                bytes: &self.bytes,
                at,
            },
            start: 0,
        }
    }

    /// What there is to read behind the head and the parameters.
    pub fn body(&self, place: CodePlace) -> Reader<'_> {
        let mut reader = self.reader(place);
        reader.pass_head();
        for _ in 0..reader.count() {
            reader.small();
            reader.small();
        }
        reader
    }

    fn reader(&self, CodePlace(at): CodePlace) -> Reader<'_> {
        Reader {
            image: self,
            bytes: Cursor {
                bytes: &self.bytes,
                at: self.code + at as usize,
            },
            start: at,
        }
    }

    /// The image with the names of its symbols, for [`Image::from_bytes`]. `names` are all symbols that the compiler asked for, in
    /// their order: whoever reads the image interns them in this order, and so comes to the same symbols as who
    /// compiled the file.
    pub fn to_bytes(&self, interner: &Interner, names: &[Symbol]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 16 * self.symbols.len());
        write_texts(&mut out, self.paths.iter().map(|path| &**path));
        let mut order: Vec<Symbol> = Vec::with_capacity(self.symbols.len());
        let mut known: FxHashMap<Symbol, u64> = FxHashMap::default();
        for symbol in names.iter().chain(&self.symbols) {
            known.entry(*symbol).or_insert_with(|| {
                order.push(*symbol);
                order.len() as u64 - 1
            });
        }
        write_texts(&mut out, order.iter().map(|symbol| interner.name(*symbol)));
        write_number(&mut out, self.symbols.len() as u64);
        for symbol in &self.symbols {
            write_number(&mut out, known[symbol]);
        }
        write_number(&mut out, self.root.0.into());
        out.extend_from_slice(&self.bytes[self.code..]);
        out
    }

    /// The image that has become these `bytes`, of the same text, which now begins at `base`. They must be just those: an image
    /// that was tampered with runs as if it was code.
    pub fn from_bytes(bytes: Vec<u8>, base: Pos, interner: &mut Interner) -> Self {
        let mut head = Cursor {
            bytes: &bytes,
            at: 0,
        };
        let paths = head.texts(|path| path.into());
        let names = head.texts(|name| interner.intern(name));
        let symbols = (0..head.number())
            .map(|_| names[head.number() as usize])
            .collect();
        let root = CodePlace(head.number() as u32);
        let code = head.at;
        Image {
            bytes: bytes.into(),
            code,
            symbols,
            paths,
            base: base.0,
            root,
            deferred: None,
        }
    }

    /// The paths in an image of these `bytes` that may be files of Nix, in their order.
    pub fn paths_of(bytes: &[u8]) -> Vec<Box<[u8]>> {
        Cursor { bytes, at: 0 }.texts(|path| path.into())
    }

    /// The paths in it that may be files of Nix, in their order. They are had once.
    pub fn take_paths(&mut self) -> Vec<Box<[u8]>> {
        std::mem::take(&mut self.paths)
    }
}

fn write_texts<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t [u8]>) {
    write_number(out, texts.len() as u64);
    for text in texts {
        write_number(out, text.len() as u64);
        out.extend_from_slice(text);
    }
}

#[inline]
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads the bytes of an image.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        taken
    }

    /// What [`write_texts`] has written.
    fn texts<T>(&mut self, mut make: impl FnMut(&[u8]) -> T) -> Vec<T> {
        let count = self.number();
        (0..count).map(|_| make(self.text())).collect()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.take(N);
        taken.try_into().expect("as many as were taken")
    }

    fn text(&mut self) -> &'a [u8] {
        let len = self.number() as usize;
        self.take(len)
    }

    /// What [`Constant::write`] has written.
    fn constant(&mut self) -> Constant<'a> {
        match self.take(1)[0] {
            0 => Constant::Int(i64::from_le_bytes(self.array())),
            1 => Constant::Float(f64::from_le_bytes(self.array())),
            2 => Constant::String(self.text()),
            3 => Constant::Path(self.text()),
            4 => Constant::Bool(false),
            5 => Constant::Bool(true),
            6 => Constant::List(self.text()),
            _ => Constant::Global(self.number() as u32),
        }
    }

    #[inline]
    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
            shift += 7;
        }
    }
}

impl<'a> Constant<'a> {
    /// The members of a list, from what [`Constant::List`] holds.
    pub fn members(list: &'a [u8]) -> impl Iterator<Item = Constant<'a>> {
        let mut members = Cursor { bytes: list, at: 0 };
        std::iter::from_fn(move || (members.at < list.len()).then(|| members.constant()))
    }
}

/// Reads code from its image. Behind [`Image::body`] stand the formals and then the parts of the body, in the order of the methods
/// here; each of them is called once, and an iterator is run to its end before the next is asked for.
pub struct Reader<'a> {
    image: &'a Image,
    bytes: Cursor<'a>,
    /// Where the code begins.
    start: u32,
}

impl<'a> Reader<'a> {
    /// The formals of the parameters that have them.
    pub fn formals(&mut self) -> Box<[FormalsSpec]> {
        self.many(|reader| FormalsSpec {
            parameter: reader.bytes.number() as u16,
            ellipsis: reader.byte() != 0,
            formals: reader.formals_of_one(),
        })
    }

    /// The code of thunks and closures that it makes.
    pub fn children(&mut self) -> impl ExactSizeIterator<Item = CodePlace> {
        self.each(|reader| CodePlace(reader.start - reader.small()))
    }

    /// Its constants.
    pub fn constants(&mut self) -> impl ExactSizeIterator<Item = Constant<'a>> {
        self.each(|reader| reader.bytes.constant())
    }

    /// How many shapes there are.
    pub fn shapes(&mut self) -> usize {
        self.count()
    }

    /// The next shape, sorted as it was when the file was compiled.
    pub fn shape(&mut self) -> impl ExactSizeIterator<Item = (Symbol, Pos)> {
        self.each(|reader| (reader.symbol(), reader.pos()))
    }

    /// What each select site looks for.
    pub fn selects(&mut self) -> impl ExactSizeIterator<Item = Symbol> {
        self.each(Self::symbol)
    }

    /// The instructions.
    pub fn instructions(&mut self) -> impl ExactSizeIterator<Item = Instruction> {
        self.each(|reader| Instruction::from_bytes(reader.bytes.array()))
    }

    /// The positions of the calls, or of the other instructions: as many are to be taken as there are of them.
    pub fn positions(&mut self) -> impl Iterator<Item = Pos> {
        let mut before = 0;
        std::iter::repeat_with(move || {
            let number = self.bytes.number();
            let step = (number >> 1) as i64 ^ -((number & 1) as i64);
            before = (i64::from(before) + step) as u32;
            self.absolute(before)
        })
    }

    /// The instructions that join parts, once the positions of all instructions have been taken.
    pub fn parts(&mut self) -> Box<[Part]> {
        self.many(|reader| (reader.small(), reader.small()))
    }

    /// Where the parts begin.
    pub fn part_positions(&mut self) -> Box<[Pos]> {
        self.many(Self::pos)
    }

    /// What is evaluated in place.
    pub fn operands(&mut self) -> Box<[Operand]> {
        const COUNT: u32 = OperandUse::COUNT as u32;
        let usage = |number| OperandUse::of(number as u8);
        self.many(|reader| Operand {
            start: reader.small(),
            end: reader.small(),
            at: reader.small(),
            of: match reader.small() {
                number if number < COUNT => OperandOf::Operator(usage(number)),
                number if number < 2 * COUNT => {
                    OperandOf::Placed(usage(number - COUNT), reader.pos())
                }
                number => OperandOf::Builtin(number - 2 * COUNT),
            },
        })
    }

    /// Where the positions of the other instructions begin.
    pub fn other_positions(&self) -> PositionsPlace {
        PositionsPlace(self.bytes.at)
    }

    #[inline]
    fn small(&mut self) -> u32 {
        self.bytes.number() as u32
    }

    #[inline]
    fn count(&mut self) -> usize {
        self.bytes.number() as usize
    }

    fn byte(&mut self) -> u8 {
        self.bytes.take(1)[0]
    }

    fn symbol(&mut self) -> Symbol {
        self.image.symbols[self.count()]
    }

    fn optional_symbol(&mut self) -> Option<Symbol> {
        let number = self.count().checked_sub(1)?;
        Some(self.image.symbols[number])
    }

    fn absolute(&self, relative: u32) -> Pos {
        match relative {
            0 => Pos::NONE,
            relative => Pos(self.image.base + relative - 1),
        }
    }

    fn pos(&mut self) -> Pos {
        let relative = self.small();
        self.absolute(relative)
    }

    #[inline]
    fn each<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> T,
    ) -> impl ExactSizeIterator<Item = T> {
        let count = self.count();
        (0..count).map(move |_| read(self))
    }

    fn many<T, C: FromIterator<T>>(&mut self, read: impl FnMut(&mut Self) -> T) -> C {
        self.each(read).collect()
    }

    fn head(&mut self, captures: &mut Vec<CaptureSource>) -> Head {
        let place = CodePlace(self.start);
        let (kind, name) = (self.byte() & !DEFERRED, self.optional_symbol());
        let kind = match (kind, name) {
            (0, _) => CodeKind::Root,
            (2, _) => CodeKind::Lambda,
            (3, Some(name)) => CodeKind::Binding(name),
            (4, Some(name)) => CodeKind::Variable(name),
            _ => CodeKind::Thunk,
        };
        let pos = self.pos();
        let name = self.optional_symbol();
        let (registers, arity) = (self.small() as u16, self.small() as u16);
        let before = captures.len();
        captures.extend(self.each(|reader| {
            let number = reader.small();
            let index = (number >> 1) as u16;
            match number & 1 {
                0 => CaptureSource::Register(index),
                _ => CaptureSource::Capture(index),
            }
        }));
        Head {
            kind,
            pos,
            name,
            registers,
            arity,
            captures: (captures.len() - before) as u16,
            place,
        }
    }

    fn pass_head(&mut self) {
        self.byte();
        // Name, position, name, registers, arity.
        for _ in 0..5 {
            self.small();
        }
        for _ in 0..self.count() {
            self.small();
        }
    }

    /// Formals, which are to be sorted by symbol: their registers stand as they were sorted when the file was compiled.
    fn formals_of_one(&mut self) -> Vec<FormalSpec> {
        let mut slot = 0;
        let mut formals: Vec<FormalSpec> = self.many(|reader| {
            slot += 1;
            FormalSpec {
                name: reader.symbol(),
                pos: reader.pos(),
                has_default: reader.byte() != 0,
                slot: slot - 1,
            }
        });
        formals.sort_unstable_by_key(|formal| formal.name);
        formals
    }
}
