//! Selections from sets, by names that are known and by such as are computed, and whether a set has them.

use super::Compiler;
use crate::bytecode::{Constant, Op, OperandOf, OperandUse};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{AttrName, ExprId, Run};

impl<'a> Compiler<'a> {
    pub(super) fn select(&mut self, set: u16, name: Symbol, dst: u16, pos: Pos) -> Result<()> {
        let site = self.function().select(name)?;
        self.function().emit_abc(Op::Select, dst, set, site, pos);
        Ok(())
    }

    pub(super) fn selection(
        &mut self,
        base: ExprId,
        path: Run,
        default: Option<ExprId>,
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        let mut set = self.operand(base)?;
        let names = self.path_names(path);
        let mut missing = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let target = if index + 1 == names.len() {
                dst
            } else {
                self.function().allocate(1)?
            };
            let ops = match default {
                Some(_) => [Op::SelectOr, Op::SelectDynamicOr],
                None => [Op::Select, Op::SelectDynamic],
            };
            self.step(set, *name, ops, target, pos)?;
            if default.is_some() {
                missing.push(self.function().jump(Op::Jump, 0, 0, pos));
            }
            set = target;
        }
        if let Some(default) = default {
            let to_end = self.function().jump(Op::Jump, 0, 0, pos);
            for jump in missing {
                self.function().land(jump);
            }
            self.value(default, dst)?;
            self.function().land(to_end);
        }
        Ok(())
    }

    pub(super) fn has_attr(&mut self, base: ExprId, path: Run, dst: u16, pos: Pos) -> Result<()> {
        let mut set = self.operand(base)?;
        let names = self.path_names(path);
        let mut missing = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let last = index + 1 == names.len();
            let target = if last {
                dst
            } else {
                self.function().allocate(1)?
            };
            let ops = match last {
                true => [Op::HasAttr, Op::HasAttrDynamic],
                false => [Op::SelectOr, Op::SelectDynamicOr],
            };
            self.step(set, *name, ops, target, pos)?;
            if !last {
                missing.push(self.function().jump(Op::Jump, 0, 0, pos));
            }
            set = target;
        }
        if !missing.is_empty() {
            let to_end = self.function().jump(Op::Jump, 0, 0, pos);
            for jump in missing {
                self.function().land(jump);
            }
            self.function()
                .emit_constant(dst, Constant::Bool(false), pos);
            self.function().land(to_end);
        }
        Ok(())
    }

    /// One component of a path: the instruction for a name that is known, or that for one which is computed.
    fn step(
        &mut self,
        set: u16,
        name: AttrName,
        [known, computed]: [Op; 2],
        target: u16,
        pos: Pos,
    ) -> Result<()> {
        let (op, operand) = match name {
            AttrName::Static(name) => (known, self.function().select(name)?),
            AttrName::Dynamic(name) => {
                self.function().emit_abc(Op::Force, set, 0, 0, pos);
                let register = self.operand(name)?;
                // What goes wrong in it is not told as of a name, but that it is none.
                let here = self.function().here();
                let of = OperandOf::Placed(OperandUse::Name, self.told_position(name));
                self.function().note_operand(here, of);
                (computed, register)
            }
        };
        self.function().emit_abc(op, target, set, operand, pos);
        Ok(())
    }

    pub(super) fn path_names(&self, path: Run) -> &'a [AttrName] {
        &self.ast.names[path.range()]
    }
}
