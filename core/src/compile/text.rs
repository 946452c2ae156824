//! Strings and paths, with what is interpolated into them.

use super::Compiler;
use crate::bytecode::{Constant, Instruction, Op};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Pos;
use crate::syntax::ast::{Part, PathKind, Run};

impl Compiler<'_> {
    pub(super) fn path_constant(
        &mut self,
        kind: PathKind,
        text: Run,
        pos: Pos,
        dst: u16,
    ) -> Result<()> {
        let path = self.absolute(kind, text, pos)?;
        let path = crate::path::canonical(&path);
        self.work.encoder.path(&path);
        self.function()
            .emit_constant(dst, Constant::Path(&path), pos);
        Ok(())
    }

    /// The absolute path that a literal stands for, not yet canonical.
    fn absolute(&mut self, kind: PathKind, text: Run, pos: Pos) -> Result<Vec<u8>> {
        let text = self.ast.text(text);
        let base: &[u8] = match kind {
            PathKind::Absolute => return Ok(text.to_vec()),
            PathKind::Relative => &self.environment.base,
            PathKind::Home => match &self.environment.home {
                Ok(home) => home,
                Err(reason) => {
                    let text = String::from_utf8_lossy(text);
                    return Err(Error::new(
                        ErrorKind::Forbidden,
                        format!("the path '~/{text}' can not be resolved {reason}"),
                    )
                    .at(pos));
                }
            },
        };
        Ok([base, b"/", text].concat())
    }

    pub(super) fn search_path(&mut self, text: Run, dst: u16, pos: Pos) -> Result<()> {
        let base = self.function().allocate(3)?;
        let (find_file, nix_path) = (self.names.find_file, self.names.nix_path);
        if self.work.scopes.find(find_file).is_none()
            && self.environment.global(find_file).is_none()
        {
            let text = String::from_utf8_lossy(self.ast.text(text)).into_owned();
            return Err(Error::new(
                ErrorKind::UndefinedVariable,
                format!("cannot look up '<{text}>': no loaded plugin provides 'builtins.findFile'"),
            )
            .at(pos));
        }
        self.variable(find_file, base, pos)?;
        self.variable(nix_path, base + 1, pos)?;
        let text = self.ast.text(text);
        self.function()
            .emit_constant(base + 2, Constant::String(text), pos);
        self.function().emit_abc(Op::Call, dst, base, 2, pos);
        Ok(())
    }

    pub(super) fn interpolation(&mut self, parts: Run, dst: u16, kind: u8, pos: Pos) -> Result<()> {
        let ast = self.ast;
        let parts = &ast.parts[parts.range()];
        let first = self.function().allocate(parts.len())?;
        for (index, part) in parts.iter().enumerate() {
            self.part(*part, first + index as u16, &parts[index + 1..], kind, pos)?;
        }
        self.join(dst, first, parts.len(), kind, pos);
        self.function()
            .note_parts(parts.iter().map(|part| match part {
                Part::Literal(_) => pos,
                Part::Expr(_, pos) => *pos,
            }));
        Ok(())
    }

    /// A part of a string or path, before `others`: it is coerced before anything of them is evaluated.
    fn part(
        &mut self,
        part: Part,
        register: u16,
        others: &[Part],
        kind: u8,
        pos: Pos,
    ) -> Result<()> {
        match part {
            Part::Literal(text) => {
                let text = self.ast.text(text);
                self.function()
                    .emit_constant(register, Constant::String(text), pos);
            }
            Part::Expr(id, pos) => {
                self.value(id, register)?;
                if others.iter().any(|part| matches!(part, Part::Expr(..))) {
                    let mut instruction = Instruction::abc(Op::CoercePart, register, 0, 0);
                    instruction.x = kind;
                    self.function().emit(instruction, pos);
                }
            }
        }
        Ok(())
    }

    pub(super) fn path_interpolation(
        &mut self,
        kind: PathKind,
        parts: Run,
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        let ast = self.ast;
        let parts = &ast.parts[parts.range()];
        let first = self.function().allocate(parts.len())?;
        for (index, part) in parts.iter().enumerate() {
            let register = first + index as u16;
            match part {
                Part::Literal(text) if index == 0 => {
                    let text = self.absolute(kind, *text, pos)?;
                    self.function()
                        .emit_constant(register, Constant::String(&text), pos);
                }
                part => self.part(*part, register, &parts[index + 1..], 1, pos)?,
            }
        }
        self.join(dst, first, parts.len(), 1, pos);
        self.function()
            .note_parts(parts.iter().map(|part| match part {
                Part::Literal(_) => pos,
                Part::Expr(_, pos) => *pos,
            }));
        Ok(())
    }

    fn join(&mut self, dst: u16, first: u16, count: usize, kind: u8, pos: Pos) {
        let mut instruction = Instruction::abc(Op::Interpolate, dst, first, count as u16);
        instruction.x = kind;
        self.function().emit(instruction, pos);
    }
}
