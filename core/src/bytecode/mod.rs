//! Register bytecode: the table of instructions, the code objects that hold them, and the disassembler.

mod code;
mod disassemble;
mod encode;
mod image;
mod instruction;

pub use code::{
    CaptureSource, Code, CodeKind, Constant, FormalSpec, FormalsSpec, Operand, OperandOf, Part,
};
pub use disassemble::disassemble;
pub use encode::Encoder;
pub use image::{CodePlace, Deferred, Head, Image, PositionsPlace, Reader, Signature};
pub use instruction::{Instruction, Op, OperandUse, Operands};
