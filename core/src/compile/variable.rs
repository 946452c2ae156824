//! Variables: where the value of a name is, and how it comes into a register of the body that uses it.

use super::Compiler;
use super::scope::Place;
use crate::bytecode::{Constant, Op};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::ExprId;

impl Compiler<'_> {
    pub(super) fn variable(&mut self, name: Symbol, dst: u16, pos: Pos) -> Result<()> {
        if let Some((level, place)) = self.work.scopes.find(name) {
            return self.load(level, place, dst, pos);
        }
        if let Some(global) = self.environment.global(name) {
            self.function()
                .emit_constant(dst, Constant::Global(global), pos);
            return Ok(());
        }
        if self.work.scopes.withs.is_empty() {
            let text = self.interner.display(name);
            let hint = (self.environment.absence)(self.interner.name(name));
            let mut error = Error::new(
                ErrorKind::UndefinedVariable,
                format!("undefined variable '{text}'"),
            )
            .at(pos);
            if let Some(hint) = hint {
                error = error.with_hint(hint);
            }
            return Err(error);
        }
        let mut found = Vec::new();
        for index in (0..self.work.scopes.withs.len()).rev() {
            let (level, register, with) = self.work.scopes.withs[index];
            let mark = self.function().mark();
            let set = self.local(level, Place::Register(register), pos)?;
            let site = self.function().select(name)?;
            self.function()
                .emit_abc(Op::WithLookup, dst, set, site, with);
            found.push(self.function().jump(Op::Jump, 0, 0, pos));
            self.function().release(mark);
        }
        let site = self.function().select(name)?;
        self.function().emit_abc(Op::Undefined, dst, 0, site, pos);
        for jump in found {
            self.function().land(jump);
        }
        Ok(())
    }

    /// The register of a place: its own if it is one of this body, else a fresh one with a copy.
    pub(super) fn local(&mut self, level: usize, place: Place, pos: Pos) -> Result<u16> {
        if let Place::Register(register) = place
            && level == self.level()
        {
            return Ok(register);
        }
        let register = self.function().allocate(1)?;
        self.load(level, place, register, pos)?;
        Ok(register)
    }

    /// Copies what a place holds into `dst`, capturing it through the bodies in between.
    pub(super) fn load(&mut self, level: usize, place: Place, dst: u16, pos: Pos) -> Result<()> {
        let register = match place {
            Place::Register(register) => register,
            Place::Attribute { set, name } => {
                let set = self.local(level, Place::Register(set), pos)?;
                return self.select(set, name, dst, pos);
            }
        };
        let here = self.level();
        if level == here {
            if register != dst {
                self.function().emit_abc(Op::Move, dst, register, 0, pos);
            }
            return Ok(());
        }
        let index = self.capture(level, register)?;
        self.function().emit_abc(Op::Capture, dst, index, 0, pos);
        Ok(())
    }

    pub(super) fn with(
        &mut self,
        scope: ExprId,
        pos: Pos,
        finish: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mark = self.function().mark();
        let register = self.function().allocate(1)?;
        self.delay(scope, register, None)?;
        let level = self.level();
        self.work.scopes.withs.push((level, register, pos));
        let result = finish(self);
        self.work.scopes.withs.pop();
        self.function().release(mark);
        result
    }
}
