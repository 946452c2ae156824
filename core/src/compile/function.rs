//! A body being compiled: registers, captures, constants and the instructions so far.

use crate::bytecode::{
    CaptureSource, Code, CodeKind, CodePlace, Constant, Instruction, Op, Operand, OperandOf,
};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Pos;
use crate::symbol::Symbol;
use rustc_hash::FxHashMap;

#[derive(Default)]
pub(super) struct Function {
    code: Code,
    next: u16,
    /// The numbers of captures, once there are more than [`FEW_CAPTURES`].
    captures: FxHashMap<CaptureSource, u16>,
    /// Captures that the evaluator provides.
    reserved: usize,
}

/// So few captures are searched one by one.
const FEW_CAPTURES: usize = 16;

/// A jump whose target is not known yet.
#[must_use]
pub(super) struct Pending(usize);

impl Function {
    /// Begins another body, in the memory of the one before.
    pub(super) fn reset(&mut self, kind: CodeKind, pos: Pos) {
        self.code.reset(kind, pos);
        self.next = 0;
        self.captures.clear();
        self.reserved = 0;
    }

    pub(super) fn code(&mut self) -> &mut Code {
        &mut self.code
    }

    // --- registers

    /// The first of `count` neighbouring registers.
    pub(super) fn allocate(&mut self, count: usize) -> Result<u16> {
        let first = self.next;
        let end = usize::from(first) + count;
        if end > usize::from(u16::MAX) {
            return Err(too_large("65,535 registers"));
        }
        self.next = end as u16;
        self.code.registers = self.code.registers.max(self.next);
        Ok(first)
    }

    /// What [`Function::release`] goes back to.
    pub(super) fn mark(&self) -> u16 {
        self.next
    }

    /// Frees the registers allocated since.
    pub(super) fn release(&mut self, mark: u16) {
        self.next = mark;
    }

    // --- captures, constants and the rest

    /// The number of the capture that takes its value from `source` of the enclosing body.
    pub(super) fn capture(&mut self, source: CaptureSource) -> Result<u16> {
        let len = self.code.captures.len();
        let known = if len <= FEW_CAPTURES {
            let captures = &self.code.captures;
            let found = captures.iter().position(|known| *known == source);
            // A first capture that was reserved is none that is looked for.
            found
                .filter(|index| *index >= self.reserved)
                .map(|index| index as u16)
        } else {
            if self.captures.is_empty() {
                let known = self.code.captures.iter().enumerate().skip(self.reserved);
                self.captures = known
                    .map(|(index, source)| (*source, index as u16))
                    .collect();
            }
            self.captures.get(&source).copied()
        };
        if let Some(index) = known {
            return Ok(index);
        }
        // How many there are has to be a `u16`, too.
        let after = u16::try_from(len + 1);
        let index = after.map_err(|_| too_large("65,535 captured variables"))? - 1;
        self.code.captures.push(source);
        if !self.captures.is_empty() {
            self.captures.insert(source, index);
        }
        Ok(index)
    }

    /// A first capture that the evaluator provides.
    pub(super) fn reserve_capture(&mut self) {
        self.code.captures.push(CaptureSource::Capture(0));
        self.reserved += 1;
    }

    pub(super) fn child(&mut self, child: CodePlace) -> u32 {
        self.code.children.push(child);
        (self.code.children.len() - 1) as u32
    }

    /// A select site: each has an inline cache of its own.
    pub(super) fn select(&mut self, name: Symbol) -> Result<u16> {
        let index = u16::try_from(self.code.selects.len());
        match index {
            Ok(index) => {
                self.code.selects.push(name);
                Ok(index)
            }
            // A body this large shares sites.
            Err(_) => {
                let mut sites = self.code.selects.iter();
                sites
                    .position(|known| *known == name)
                    .map(|index| index as u16)
                    .ok_or_else(|| too_large("65,536 selections"))
            }
        }
    }

    // --- instructions

    pub(super) fn emit(&mut self, instruction: Instruction, pos: Pos) {
        self.code.instructions.push(instruction);
        self.code.positions.push(pos);
    }

    /// Notes where the parts begin that the instruction emitted last joins.
    pub(super) fn note_parts(&mut self, parts: impl Iterator<Item = Pos>) {
        let instruction = self.code.instructions.len() as u32 - 1;
        self.code.part_positions.extend(parts);
        let end = self.code.part_positions.len() as u32;
        self.code.parts.push((instruction, end));
    }

    /// The number of the instruction that is emitted next.
    pub(super) fn here(&self) -> u32 {
        self.code.instructions.len() as u32
    }

    /// Notes that the instructions from `start` on evaluate an operand, which the next one takes, if there is something to tell. Answers the
    /// number of the note.
    pub(super) fn note_operand(&mut self, start: u32, of: OperandOf) -> Option<usize> {
        let end = self.here();
        let fails = |instruction: &Instruction| {
            !matches!(instruction.op, Op::Const | Op::Capture | Op::Move)
        };
        // Where these stand is told of what fails to be one, too.
        let told = matches!(of, OperandOf::Placed(..))
            || self.code.instructions[start as usize..].iter().any(fails);
        told.then(|| {
            self.code.operands.push(Operand {
                start,
                end,
                at: end,
                of,
            });
            self.code.operands.len() - 1
        })
    }

    /// An operand that was noted is taken by what is emitted next.
    pub(super) fn takes_operand(&mut self, note: usize) {
        self.code.operands[note].at = self.here();
    }

    pub(super) fn emit_abc(&mut self, op: Op, a: u16, b: u16, c: u16, pos: Pos) {
        self.emit(Instruction::abc(op, a, b, c), pos);
    }

    pub(super) fn emit_aw(&mut self, op: Op, a: u16, wide: u32, pos: Pos) {
        self.emit(Instruction::aw(op, a, wide), pos);
    }

    pub(super) fn emit_constant(&mut self, a: u16, constant: Constant<'_>, pos: Pos) {
        let index = self.code.constant(&constant);
        self.emit_aw(Op::Const, a, index, pos);
    }

    /// A jump; `x` says for what a bool is needed.
    pub(super) fn jump(&mut self, op: Op, a: u16, x: u8, pos: Pos) -> Pending {
        let mut instruction = Instruction::aw(op, a, 0);
        instruction.x = x;
        self.emit(instruction, pos);
        Pending(self.code.instructions.len() - 1)
    }

    /// Lets a jump go to what is emitted next.
    pub(super) fn land(&mut self, jump: Pending) {
        let target = (self.code.instructions.len() - jump.0 - 1) as u32;
        let instruction = &mut self.code.instructions[jump.0];
        instruction.b = target as u16;
        instruction.c = (target >> 16) as u16;
    }
}

pub(super) fn too_large(limit: &str) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("an expression is too large to compile: it needs more than {limit}"),
    )
}
