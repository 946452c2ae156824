//! Code objects: what the compiler makes. They know nothing of values.

use super::image::CodePlace;
use super::instruction::{Instruction, OperandUse};
use crate::source::Pos;
use crate::symbol::Symbol;

/// What a code object is the body of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CodeKind {
    /// A whole file or text.
    #[default]
    Root,
    /// A delayed expression.
    Thunk,
    /// The delayed value of an attribute of that name.
    Binding(Symbol),
    /// The delayed value of a variable of that name: of a `let`, or a default of a formal.
    Variable(Symbol),
    /// A function.
    Lambda,
}

/// A constant, before it becomes a value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Constant<'a> {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string without context.
    String(&'a [u8]),
    /// An absolute path.
    Path(&'a [u8]),
    /// A bool.
    Bool(bool),
    /// A list of constants, as [`Constant::write`] writes one after the other.
    List(&'a [u8]),
    /// Entry of the table of globals: `builtins`, `true`, `map` ...
    Global(u32),
}

/// Where a thunk or closure takes a capture from when it is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CaptureSource {
    /// A register of the frame that makes it.
    Register(u16),
    /// A capture of that frame.
    Capture(u16),
}

/// A formal as the VM matches it; formals stand sorted by symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormalSpec {
    /// Its name.
    pub name: Symbol,
    /// Where it stands.
    pub pos: Pos,
    /// Whether it has a default.
    pub has_default: bool,
    /// The number of its register among those of the formals.
    pub slot: u16,
}

/// The formals of one parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormalsSpec {
    /// Which parameter they are of.
    pub parameter: u16,
    /// Sorted by symbol.
    pub formals: Vec<FormalSpec>,
    /// `...`
    pub ellipsis: bool,
}

/// An operand that is evaluated where it stands. An error in it is told as one of what the operand is of.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// Its first instruction.
    pub start: u32,
    /// The instruction behind it.
    pub end: u32,
    /// The instruction that takes it.
    pub at: u32,
    /// What it is of.
    pub of: OperandOf,
}

/// See [`Operand`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperandOf {
    /// The call of a builtin that forces it at once: so it needs no thunk.
    Builtin(u32),
    /// An operator or the like, which is where the instruction stands that takes the operand.
    Operator(OperandUse),
    /// One that is told where it stands itself, at this position: of `//`, or the name of an attribute.
    Placed(OperandUse, Pos),
}

/// An instruction that joins parts, by its number, and the end of its parts' positions, which begin where those of the one before
/// end.
pub type Part = (u32, u32);

/// One body of code, without the code of what it makes, which is in the image before.
#[derive(Debug, Default)]
pub struct Code {
    /// What it is the body of.
    pub kind: CodeKind,
    /// Where its expression stands; for a lambda, where the lambda does.
    pub pos: Pos,
    /// The name that a lambda was bound to.
    pub name: Option<Symbol>,
    /// The instructions; the last is a return, a tail call or a jump.
    pub instructions: Vec<Instruction>,
    /// The position of each instruction.
    pub positions: Vec<Pos>,
    /// Every `+` and every interpolation, in ascending order.
    pub parts: Vec<Part>,
    /// Where their parts begin.
    pub part_positions: Vec<Pos>,
    /// What is evaluated in place, inner ones first.
    pub operands: Vec<Operand>,
    /// How many registers it uses, parameters first.
    pub registers: u16,
    /// How many parameters a lambda takes before it runs.
    pub arity: u16,
    /// The parameters: the name of each, if it has one, and where its lambda stands.
    pub parameters: Vec<(Option<Symbol>, Pos)>,
    /// Formals of the parameters that have them, in the order of the `Formals` instructions.
    pub formals: Vec<FormalsSpec>,
    /// What is captured when it is made.
    pub captures: Vec<CaptureSource>,
    /// Its constants, as they stand in the image.
    pub(super) constants: Vec<u8>,
    /// How many they are.
    pub(super) constant_count: u32,
    /// Where each of its shapes ends in `keys`.
    pub(super) shapes: Vec<u32>,
    /// Names with positions, those of each shape sorted by symbol.
    pub(super) keys: Vec<(Symbol, Pos)>,
    /// The name that each select site looks for.
    pub selects: Vec<Symbol>,
    /// Code of the thunks and closures that it makes.
    pub children: Vec<CodePlace>,
}

impl Code {
    /// Begins the body of `kind` for what stands at `pos`, in the memory of the one before.
    pub fn reset(&mut self, kind: CodeKind, pos: Pos) {
        (self.kind, self.pos, self.name) = (kind, pos, None);
        (self.registers, self.arity, self.constant_count) = (0, 0, 0);
        self.instructions.clear();
        self.positions.clear();
        self.parts.clear();
        self.part_positions.clear();
        self.operands.clear();
        self.parameters.clear();
        self.formals.clear();
        self.captures.clear();
        self.constants.clear();
        self.shapes.clear();
        self.keys.clear();
        self.selects.clear();
        self.children.clear();
    }

    /// Adds a constant; answers its number.
    pub fn constant(&mut self, constant: &Constant<'_>) -> u32 {
        constant.write(&mut self.constants);
        self.constant_count += 1;
        self.constant_count - 1
    }

    /// Adds a shape, sorted by symbol; answers its number.
    pub fn shape(&mut self, keys: impl Iterator<Item = (Symbol, Pos)>) -> u32 {
        self.keys.extend(keys);
        self.shapes.push(self.keys.len() as u32);
        self.shapes.len() as u32 - 1
    }
}
