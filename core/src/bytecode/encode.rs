//! Code on its way into an image: each body is appended when it is complete, what it makes before it.

use super::code::{CaptureSource, Code, CodeKind, Constant, OperandOf};
use super::image::{CodePlace, DEFERRED, Image, write_number};
use super::instruction::OperandUse;
use crate::kept::Keeper;
use crate::source::Pos;
use crate::symbol::Symbol;

/// Gives the symbols of an image their numbers, in the order in which they come.
#[derive(Default)]
struct Numbering {
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

/// Writes images, one after the other, in the same memory.
#[derive(Default)]
pub struct Encoder {
    out: Vec<u8>,
    /// Positions that come behind those of the calls.
    others: Vec<u8>,
    keeper: Keeper,
    paths: Vec<Box<[u8]>>,
    base: u32,
    numbering: Numbering,
}

impl Encoder {
    /// Begins the image of the text whose first byte is at `base`.
    pub fn begin(&mut self, base: Pos) {
        self.out.clear();
        self.paths.clear();
        self.base = base.0;
        self.numbering.begin();
    }

    /// Notes a path that the text names.
    pub fn path(&mut self, path: &[u8]) {
        if may_be_nix(path) {
            self.paths.push(path.into());
        }
    }

    /// The image, in which `root` is the code of the whole; nothing if it is larger than 4 GiB.
    pub fn finish(&mut self, root: CodePlace) -> Option<Image> {
        u32::try_from(self.out.len()).ok()?;
        Some(Image {
            bytes: self.keeper.keep(&self.out),
            code: 0,
            symbols: self.numbering.symbols.as_slice().into(),
            paths: std::mem::take(&mut self.paths),
            base: self.base,
            root,
            deferred: None,
        })
    }

    fn number(&mut self, number: impl Into<u64>) {
        write_number(&mut self.out, number.into());
    }

    fn count(&mut self, count: usize) {
        write_number(&mut self.out, count as u64);
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

    /// Appends code whose children have been appended before.
    pub fn code(&mut self, code: &Code) -> CodePlace {
        // Beyond that nothing comes of it; see `finish`.
        let place = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        self.head(code);
        self.body(code, place);
        CodePlace(place)
    }

    /// Appends the head of code whose body is left out: it is number `number` of those.
    pub fn deferred(&mut self, code: &Code, number: u32) -> CodePlace {
        let at = self.out.len();
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        self.head(code);
        self.out[at] |= DEFERRED;
        self.number(number);
        CodePlace(place)
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
        self.count(code.captures.len());
        for capture in &code.captures {
            self.number(match capture {
                CaptureSource::Register(number) => u32::from(*number) << 1,
                CaptureSource::Capture(number) => u32::from(*number) << 1 | 1,
            });
        }
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
    }

    fn body(&mut self, code: &Code, place: u32) {
        self.count(code.children.len());
        for child in &code.children {
            self.number(place - child.0);
        }
        self.number(code.constant_count);
        self.out.extend_from_slice(&code.constants);
        self.count(code.shapes.len());
        let mut start = 0;
        for end in &code.shapes {
            let shape = &code.keys[start..*end as usize];
            start = *end as usize;
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
        self.count(code.instructions.len());
        for instruction in &code.instructions {
            self.out.extend_from_slice(&instruction.to_bytes());
        }
        let (mut call, mut other) = (0, 0);
        self.others.clear();
        for (instruction, pos) in code.instructions.iter().zip(&code.positions) {
            let relative = self.relative(*pos);
            if instruction.op.is_call() {
                write_step(&mut self.out, &mut call, relative);
            } else {
                write_step(&mut self.others, &mut other, relative);
            }
        }
        self.out.extend_from_slice(&self.others);
        self.count(code.parts.len());
        for (at, end) in &code.parts {
            self.number(*at);
            self.number(*end);
        }
        self.count(code.part_positions.len());
        for pos in &code.part_positions {
            self.pos(*pos);
        }
        self.count(code.operands.len());
        for operand in &code.operands {
            for number in [operand.start, operand.end, operand.at] {
                self.number(number);
            }
            const COUNT: u32 = OperandUse::COUNT as u32;
            match operand.of {
                OperandOf::Operator(usage) => self.number(usage as u32),
                OperandOf::Placed(usage, pos) => {
                    self.number(COUNT + usage as u32);
                    self.pos(pos);
                }
                OperandOf::Builtin(number) => self.number(2 * COUNT + number),
            }
        }
    }
}

/// Writes a position as what it is from the one `before`.
#[inline]
fn write_step(out: &mut Vec<u8>, before: &mut u32, relative: u32) {
    let step = i64::from(relative) - i64::from(*before);
    // Small steps in both directions are small numbers.
    write_number(out, (step << 1 ^ step >> 63) as u64);
    *before = relative;
}

/// Whether a path may be a file of Nix or a folder with one, by its name.
fn may_be_nix(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.ends_with(b".nix") || !name.contains(&b'.')
}

impl Constant<'_> {
    /// Appends the constant, as it stands in an image.
    pub fn write(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, kind, text: &[u8]| {
            out.push(kind);
            write_number(out, text.len() as u64);
            out.extend_from_slice(text);
        };
        match self {
            Constant::Int(value) => {
                out.push(0);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Constant::Float(value) => {
                out.push(1);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Constant::String(bytes) => text(out, 2, bytes),
            Constant::Path(bytes) => text(out, 3, bytes),
            Constant::Bool(value) => out.push(4 + u8::from(*value)),
            Constant::List(members) => text(out, 6, members),
            Constant::Global(index) => {
                out.push(7);
                write_number(out, (*index).into());
            }
        }
    }
}
