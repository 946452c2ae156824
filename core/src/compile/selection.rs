//! Selections from sets, by names that are known and by such as are computed, and whether a set has them.

use super::Compiler;
use crate::bytecode::{Constant, Op};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{AttrName, ExprId, Run};

impl Compiler<'_> {
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
            match name {
                AttrName::Static(name) => {
                    let site = self.function().select(*name)?;
                    let op = if default.is_some() {
                        Op::SelectOr
                    } else {
                        Op::Select
                    };
                    self.function().emit_abc(op, target, set, site, pos);
                }
                AttrName::Dynamic(name) => {
                    self.function().emit_abc(Op::Force, set, 0, 0, pos);
                    let register = self.operand(*name)?;
                    let op = if default.is_some() {
                        Op::SelectDynamicOr
                    } else {
                        Op::SelectDynamic
                    };
                    self.function().emit_abc(op, target, set, register, pos);
                }
            }
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
            match name {
                AttrName::Static(name) => {
                    let site = self.function().select(*name)?;
                    let op = if last { Op::HasAttr } else { Op::SelectOr };
                    self.function().emit_abc(op, target, set, site, pos);
                }
                AttrName::Dynamic(name) => {
                    self.function().emit_abc(Op::Force, set, 0, 0, pos);
                    let register = self.operand(*name)?;
                    let op = if last {
                        Op::HasAttrDynamic
                    } else {
                        Op::SelectDynamicOr
                    };
                    self.function().emit_abc(op, target, set, register, pos);
                }
            }
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

    pub(super) fn path_names(&self, path: Run) -> Vec<AttrName> {
        self.ast.names[path.range()].to_vec()
    }
}
