//! Code as bytes: what a file is compiled to, in the form in which it waits until it is run, and in which it can be kept on disk.
//!
//! ```text
//!  image   paths to files of Nix, symbols, then the code of the whole
//!  code    head | length of the body, u32 | body
//!  head    kind, position, name, registers, arity, parameters, formals, captures
//!  body    instructions (8 bytes each), positions, parts, strict arguments, constants, shapes, selects, children (code each)
//! ```
//!
//! Numbers are in LEB128. Symbols are numbered by the image; positions count from the beginning of the file, and where many follow
//! each other, each from the one before. So an image does not depend on what else has been evaluated. The head stands apart
//! from the body since making a thunk takes only the head of its code, and most bodies are never looked at.

use super::code::{
    CaptureSource, Code, CodeKind, Constant, FormalSpec, FormalsSpec, StrictArgument,
};
use super::instruction::{Instruction, Op};
use crate::source::Pos;
use crate::symbol::{Interner, Symbol};
use std::sync::Arc;

/// Native stack kept free for one level of nesting, and the size of each further piece.
const RED_ZONE: usize = 64 * 1024;
const STACK_PIECE: usize = 1024 * 1024;

/// The code of a file.
pub struct Image {
    bytes: Box<[u8]>,
    symbols: Box<[Symbol]>,
    /// Paths in it that may be files of Nix, in their order.
    paths: Vec<Box<[u8]>>,
    /// The position of the file's first byte.
    base: u32,
}

/// What is known of code without its body.
pub struct Head {
    /// As in [`Code`].
    pub kind: CodeKind,
    /// As in [`Code`].
    pub pos: Pos,
    /// As in [`Code`].
    pub name: Option<Symbol>,
    /// As in [`Code`].
    pub registers: u16,
    /// As in [`Code`].
    pub arity: u16,
    /// As in [`Code`].
    pub parameters: Box<[(Option<Symbol>, Pos)]>,
    /// As in [`Code`].
    pub formals: Box<[FormalsSpec]>,
    /// As in [`Code`].
    pub captures: Box<[CaptureSource]>,
    /// Where it stands.
    pub place: CodePlace,
    body_length: u32,
}

/// Where code stands in its image.
#[derive(Clone, Copy, Debug)]
pub struct CodePlace(u32);

/// What runs, as in [`Code`].
pub struct Body {
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The position of each.
    pub positions: Vec<Pos>,
    /// Where the parts of some of them begin.
    pub part_positions: Vec<(u32, Box<[Pos]>)>,
    /// Arguments of builtins that are evaluated in place.
    pub strict_arguments: Vec<StrictArgument>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Shapes, sorted as they were when the file was compiled.
    pub shapes: Vec<Vec<(Symbol, Pos)>>,
    /// What each select site looks for.
    pub selects: Vec<Symbol>,
    /// The heads of what it makes.
    pub children: Vec<Head>,
}

/// Gives the symbols of an image their numbers. Used for one image after the other.
#[derive(Default)]
pub struct Numbering {
    /// The number of each symbol, if its entry of `images` says that it is this image's.
    numbers: Vec<u32>,
    images: Vec<u32>,
    image: u32,
    symbols: Vec<Symbol>,
}

impl Numbering {
    fn begin(&mut self) {
        self.image += 1;
        self.symbols.clear();
    }

    fn number(&mut self, symbol: Symbol) -> u32 {
        let index = symbol.0 as usize;
        if self.images.len() <= index {
            self.images.resize(index + 1, 0);
            self.numbers.resize(index + 1, 0);
        }
        if self.images[index] != self.image {
            self.images[index] = self.image;
            self.numbers[index] = self.symbols.len() as u32;
            self.symbols.push(symbol);
        }
        self.numbers[index]
    }
}

impl Image {
    /// The image of `code`, which was compiled from the file that begins at `base`. Its symbols are `names`, in the order in which
    /// they first come there, and whatever else the code has: whoever reads the image interns them in this order, and so
    /// comes to the same symbols as who compiles the file.
    pub fn new(code: Code, base: Pos, names: &[Symbol], numbering: &mut Numbering) -> Self {
        numbering.begin();
        for name in names {
            numbering.number(*name);
        }
        let mut writer = Writer {
            out: Vec::new(),
            paths: Vec::new(),
            base: base.0,
            numbering,
        };
        writer.code(code);
        let (bytes, paths) = (writer.out.into(), writer.paths);
        Image {
            bytes,
            paths,
            symbols: numbering.symbols.as_slice().into(),
            base: base.0,
        }
    }

    /// The head of the whole.
    pub fn root(&self) -> Head {
        self.head(CodePlace(0))
    }

    /// A head.
    pub fn head(&self, place: CodePlace) -> Head {
        self.reader(place).head()
    }

    /// A head and its body.
    pub fn code(&self, place: CodePlace) -> (Head, Body) {
        let mut reader = self.reader(place);
        let head = reader.head();
        // What it has just passed over.
        reader.bytes.at -= head.body_length as usize;
        (head, reader.body())
    }

    fn reader(&self, CodePlace(at): CodePlace) -> Reader<'_> {
        Reader {
            image: self,
            bytes: Bytes {
                bytes: &self.bytes,
                at: at as usize,
            },
        }
    }

    /// The image with the names of its symbols, for [`Image::from_bytes`].
    pub fn to_bytes(&self, interner: &Interner) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 16 * self.symbols.len());
        let names = self.symbols.iter().map(|symbol| interner.name(*symbol));
        write_texts(&mut out, self.paths.iter().map(|path| &**path));
        write_texts(&mut out, names);
        out.extend_from_slice(&self.bytes);
        out
    }

    /// The image that has become these `bytes`, of the same text, which now begins at `base`. They must be just those: an image
    /// that was tampered with runs as if it was code.
    pub fn from_bytes(bytes: &[u8], base: Pos, interner: &mut Interner) -> Self {
        let mut texts = Bytes { bytes, at: 0 };
        let paths = texts.texts(|path| path.into());
        let symbols = texts.texts(|name| interner.intern(name));
        Image {
            bytes: bytes[texts.at..].into(),
            symbols: symbols.into(),
            paths,
            base: base.0,
        }
    }

    /// The paths in an image of these `bytes` that may be files of Nix, in their order.
    pub fn paths_of(bytes: &[u8]) -> Vec<Box<[u8]>> {
        Bytes { bytes, at: 0 }.texts(|path| path.into())
    }

    /// The paths in it that may be files of Nix, in their order. They are had once.
    pub fn take_paths(&mut self) -> Vec<Box<[u8]>> {
        std::mem::take(&mut self.paths)
    }
}

/// Whether a path may be a file of Nix or a folder with one, by its name.
fn may_be_nix(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.ends_with(b".nix") || !name.contains(&b'.')
}

fn write_texts<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t [u8]>) {
    write_number(out, texts.len() as u64);
    for text in texts {
        write_number(out, text.len() as u64);
        out.extend_from_slice(text);
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Writer<'a> {
    out: Vec<u8>,
    paths: Vec<Box<[u8]>>,
    base: u32,
    numbering: &'a mut Numbering,
}

impl Writer<'_> {
    fn number(&mut self, number: impl Into<u64>) {
        write_number(&mut self.out, number.into());
    }

    fn count(&mut self, count: usize) {
        write_number(&mut self.out, count as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn symbol(&mut self, symbol: Symbol) {
        let number = self.numbering.number(symbol);
        self.number(number);
    }

    fn optional_symbol(&mut self, symbol: Option<Symbol>) {
        match symbol {
            None => self.out.push(0),
            Some(symbol) => {
                let number = self.numbering.number(symbol);
                self.number(number + 1);
            }
        }
    }

    /// From the beginning of the file, and one; 0 is nowhere.
    fn relative(&self, pos: Pos) -> u32 {
        if pos.is_some() {
            pos.0 - self.base + 1
        } else {
            0
        }
    }

    fn pos(&mut self, pos: Pos) {
        let relative = self.relative(pos);
        self.number(relative);
    }

    /// Code, whose parts are taken out of it: they may be nested as deep as the source is.
    fn code(&mut self, mut code: Code) {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || {
            self.head(&code);
            let length = self.out.len();
            self.out.extend_from_slice(&[0; 4]);
            self.body(&mut code);
            let body = (self.out.len() - length - 4) as u32;
            self.out[length..length + 4].copy_from_slice(&body.to_le_bytes());
        });
    }

    fn head(&mut self, code: &Code) {
        let (kind, name) = match code.kind {
            CodeKind::Root => (0, None),
            CodeKind::Thunk => (1, None),
            CodeKind::Lambda => (2, None),
            CodeKind::Binding(name) => (3, Some(name)),
            CodeKind::Variable(name) => (4, Some(name)),
        };
        self.out.push(kind);
        self.optional_symbol(name);
        self.pos(code.pos);
        self.optional_symbol(code.name);
        self.number(code.registers);
        self.number(code.arity);
        self.count(code.parameters.len());
        for (name, pos) in &code.parameters {
            self.optional_symbol(*name);
            self.pos(*pos);
        }
        self.count(code.formals.len());
        for formals in &code.formals {
            self.number(formals.parameter);
            self.out.push(u8::from(formals.ellipsis));
            self.count(formals.formals.len());
            for formal in &formals.formals {
                self.symbol(formal.name);
                self.pos(formal.pos);
                self.out.push(u8::from(formal.has_default));
            }
        }
        self.count(code.captures.len());
        for capture in &code.captures {
            self.number(match capture {
                CaptureSource::Register(number) => u32::from(*number) << 1,
                CaptureSource::Capture(number) => u32::from(*number) << 1 | 1,
            });
        }
    }

    fn body(&mut self, code: &mut Code) {
        self.count(code.instructions.len());
        for instruction in &code.instructions {
            self.out
                .extend_from_slice(&[instruction.op as u8, instruction.x]);
            for operand in [instruction.a, instruction.b, instruction.c] {
                self.out.extend_from_slice(&operand.to_le_bytes());
            }
        }
        let mut before = 0;
        for pos in &code.positions {
            let relative = self.relative(*pos);
            let step = i64::from(relative) - i64::from(before);
            // Small steps in both directions are small numbers.
            self.number((step << 1 ^ step >> 63) as u64);
            before = relative;
        }
        self.count(code.part_positions.len());
        for (at, parts) in &code.part_positions {
            self.number(*at);
            self.count(parts.len());
            for pos in parts {
                self.pos(*pos);
            }
        }
        self.count(code.strict_arguments.len());
        for argument in &code.strict_arguments {
            for number in [
                argument.start,
                argument.end,
                argument.call,
                argument.builtin,
            ] {
                self.number(number);
            }
        }
        self.count(code.constants.len());
        for constant in &code.constants {
            self.constant(constant);
        }
        self.count(code.shapes.len());
        for shape in &code.shapes {
            self.count(shape.len());
            for (name, pos) in shape {
                self.symbol(*name);
                self.pos(*pos);
            }
        }
        self.count(code.selects.len());
        for name in &code.selects {
            self.symbol(*name);
        }
        self.count(code.children.len());
        for child in std::mem::take(&mut code.children) {
            self.code(child);
        }
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::Int(value) => {
                self.out.push(0);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Constant::Float(value) => {
                self.out.push(1);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Constant::String(text) => {
                self.out.push(2);
                self.bytes(text);
            }
            Constant::Path(text) => {
                self.out.push(3);
                self.bytes(text);
                if may_be_nix(text) {
                    self.paths.push((**text).into());
                }
            }
            Constant::Bool(value) => self.out.push(4 + u8::from(*value)),
            Constant::Global(index) => {
                self.out.push(6);
                self.number(*index);
            }
        }
    }
}

/// Bytes that were written by [`Writer`].
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        taken
    }

    /// What [`write_texts`] has written.
    fn texts<T>(&mut self, mut make: impl FnMut(&[u8]) -> T) -> Vec<T> {
        let count = self.number();
        (0..count)
            .map(|_| {
                let len = self.number() as usize;
                make(self.take(len))
            })
            .collect()
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

struct Reader<'a> {
    image: &'a Image,
    bytes: Bytes<'a>,
}

impl Reader<'_> {
    fn number(&mut self) -> u64 {
        self.bytes.number()
    }

    fn small(&mut self) -> u32 {
        self.number() as u32
    }

    fn count(&mut self) -> usize {
        self.number() as usize
    }

    fn byte(&mut self) -> u8 {
        self.bytes.take(1)[0]
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.bytes.take(N);
        taken.try_into().expect("as many as were taken")
    }

    fn text(&mut self) -> Arc<[u8]> {
        let len = self.count();
        self.bytes.take(len).into()
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

    fn many<T, C: FromIterator<T>>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> C {
        let count = self.count();
        (0..count).map(|_| read(self)).collect()
    }

    /// A head; its body is passed over.
    fn head(&mut self) -> Head {
        let place = CodePlace(self.bytes.at as u32);
        let (kind, name) = (self.byte(), self.optional_symbol());
        let kind = match (kind, name) {
            (0, _) => CodeKind::Root,
            (2, _) => CodeKind::Lambda,
            (3, Some(name)) => CodeKind::Binding(name),
            (4, Some(name)) => CodeKind::Variable(name),
            _ => CodeKind::Thunk,
        };
        let pos = self.pos();
        let name = self.optional_symbol();
        let (registers, arity) = (self.number() as u16, self.number() as u16);
        let parameters = self.many(|reader| (reader.optional_symbol(), reader.pos()));
        let formals = self.many(|reader| FormalsSpec {
            parameter: reader.number() as u16,
            ellipsis: reader.byte() != 0,
            formals: reader.formals(),
        });
        let captures = self.many(|reader| {
            let number = reader.small();
            let index = (number >> 1) as u16;
            match number & 1 {
                0 => CaptureSource::Register(index),
                _ => CaptureSource::Capture(index),
            }
        });
        let body_length = u32::from_le_bytes(self.array());
        self.bytes.at += body_length as usize;
        Head {
            kind,
            pos,
            name,
            registers,
            arity,
            parameters,
            formals,
            captures,
            place,
            body_length,
        }
    }

    /// Formals, which are to be sorted by symbol: their registers stand as they were sorted when the file was compiled.
    fn formals(&mut self) -> Vec<FormalSpec> {
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

    fn body(&mut self) -> Body {
        let instructions: Vec<Instruction> = self.many(|reader| {
            let [op, x, a, a_high, b, b_high, c, c_high] = reader.array();
            Instruction {
                op: Op::ALL[usize::from(op)],
                x,
                a: u16::from_le_bytes([a, a_high]),
                b: u16::from_le_bytes([b, b_high]),
                c: u16::from_le_bytes([c, c_high]),
            }
        });
        let mut before = 0;
        let positions = instructions
            .iter()
            .map(|_| {
                let number = self.number();
                let step = (number >> 1) as i64 ^ -((number & 1) as i64);
                before = (i64::from(before) + step) as u32;
                self.absolute(before)
            })
            .collect();
        Body {
            instructions,
            positions,
            part_positions: self.many(|reader| {
                let at = reader.small();
                (at, reader.many(Reader::pos))
            }),
            strict_arguments: self.many(|reader| StrictArgument {
                start: reader.small(),
                end: reader.small(),
                call: reader.small(),
                builtin: reader.small(),
            }),
            constants: self.many(|reader| match reader.byte() {
                0 => Constant::Int(i64::from_le_bytes(reader.array())),
                1 => Constant::Float(f64::from_le_bytes(reader.array())),
                2 => Constant::String(reader.text()),
                3 => Constant::Path(reader.text()),
                4 => Constant::Bool(false),
                5 => Constant::Bool(true),
                _ => Constant::Global(reader.small()),
            }),
            shapes: self.many(|reader| reader.many(|reader| (reader.symbol(), reader.pos()))),
            selects: self.many(Reader::symbol),
            children: self.many(Reader::head),
        }
    }
}
