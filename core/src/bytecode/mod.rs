//! Register bytecode: the table of instructions, the code objects that hold them, and the disassembler.

mod code;
mod disassemble;
mod image;
mod instruction;

pub use code::{CaptureSource, Code, CodeKind, Constant, FormalSpec, FormalsSpec, StrictArgument};
pub use disassemble::disassemble;
pub use image::{Body, CodePlace, Head, Image, Numbering};
pub use instruction::{BoolUse, Instruction, Op, Operands};
