//! Code objects: what the compiler makes and the VM links. They know nothing of values.

use super::instruction::Instruction;
use crate::source::Pos;
use crate::symbol::Symbol;
use std::sync::Arc;

/// What a code object is the body of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeKind {
    /// A whole file or text.
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
#[derive(Clone, PartialEq, Debug)]
pub enum Constant {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string without context.
    String(Arc<[u8]>),
    /// An absolute path.
    Path(Arc<[u8]>),
    /// A bool.
    Bool(bool),
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

/// An argument that a builtin forces at once, so that its code stands before the call instead of in a thunk. An error in it is
/// told as one of that call.
#[derive(Clone, Copy, Debug)]
pub struct StrictArgument {
    /// Its first instruction.
    pub start: u32,
    /// The instruction behind it.
    pub end: u32,
    /// The call.
    pub call: u32,
    /// The number of the builtin.
    pub builtin: u32,
}

/// One body of code.
#[derive(Debug)]
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
    /// Where the parts of a `+` or an interpolation begin, by instruction, in ascending order.
    pub part_positions: Vec<(u32, Box<[Pos]>)>,
    /// Arguments of builtins that are evaluated in place, inner ones first.
    pub strict_arguments: Vec<StrictArgument>,
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
    /// Its constants.
    pub constants: Vec<Constant>,
    /// Its shapes: names with positions, sorted by symbol.
    pub shapes: Vec<Vec<(Symbol, Pos)>>,
    /// The name that each select site looks for.
    pub selects: Vec<Symbol>,
    /// Code of the thunks and closures that it makes.
    pub children: Vec<Code>,
}
