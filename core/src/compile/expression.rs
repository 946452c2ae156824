//! Expressions. Three ways to compile one: [`Compiler::value`] evaluates it in place, [`Compiler::tail`] evaluates it
//! as the result of the body, [`Compiler::delay`] puts off what cannot be had for nothing.
//!
//! A register that `value` has written may still hold a thunk (a variable, a selected attribute); whatever uses the
//! register forces it. Where something that can fail is evaluated in between, a `Force` keeps the order.

use super::Compiler;
use super::at_hand::{FOLDED, NESTED};
use super::bindings::MAX_IN_REGISTERS;
use super::function::Pending;
use super::scope::Place;
use crate::bytecode::{CodeKind, Constant, Op, OperandOf, OperandUse};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{Expr, ExprId, Run};

/// Native stack kept free for one level of nesting, and the size of each further piece.
const RED_ZONE: usize = 128 * 1024;
const STACK_PIECE: usize = 4 * 1024 * 1024;

impl Compiler<'_> {
    /// Emits code that evaluates `id` into register `dst`.
    pub(super) fn value(&mut self, id: ExprId, dst: u16) -> Result<()> {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || self.value_inner(id, dst))
    }

    /// Emits code that evaluates `id` and returns it.
    pub(super) fn tail(&mut self, id: ExprId) -> Result<()> {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || self.tail_inner(id))
    }

    /// Emits code that puts `id` into `dst` without evaluating what could fail or take time. `name`: what it is bound to, and where that
    /// stands.
    pub(super) fn delay(
        &mut self,
        id: ExprId,
        dst: u16,
        name: Option<(Symbol, Pos)>,
    ) -> Result<()> {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || self.delay_inner(id, dst, name))
    }

    fn tail_inner(&mut self, id: ExprId) -> Result<()> {
        let pos = self.ast.pos(id);
        match self.ast.expr(id) {
            Expr::If {
                condition,
                then,
                otherwise,
            } => {
                let mark = self.function().mark();
                let to_else = self.condition(condition, pos)?;
                self.function().release(mark);
                self.tail(then)?;
                self.function().land(to_else);
                self.tail(otherwise)
            }
            Expr::Assert { condition, body } => {
                self.assertion(condition, pos)?;
                self.tail(body)
            }
            Expr::Let { bindings, body } => self.let_in(bindings, |compiler| compiler.tail(body)),
            Expr::With { scope, body } => self.with(scope, pos, |compiler| compiler.tail(body)),
            Expr::Call { callee, args } => {
                let mark = self.function().mark();
                let (base, count) = self.call_operands(callee, args)?;
                self.function()
                    .emit_abc(Op::TailCall, base, base, count, pos);
                self.function().emit_abc(Op::Return, base, 0, 0, pos);
                self.function().release(mark);
                Ok(())
            }
            _ => {
                let mark = self.function().mark();
                let register = self.operand(id)?;
                self.function().emit_abc(Op::Return, register, 0, 0, pos);
                self.function().release(mark);
                Ok(())
            }
        }
    }

    fn value_inner(&mut self, id: ExprId, dst: u16) -> Result<()> {
        let pos = self.ast.pos(id);
        if let Expr::Negate(_) | Expr::Binary(..) = self.ast.expr(id)
            && let Some(number) = self.folded(id, FOLDED)
        {
            self.function()
                .emit_constant(dst, Constant::Int(number), pos);
            return Ok(());
        }
        let mark = self.function().mark();
        match self.ast.expr(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(..) => {
                if let Expr::Path(kind, text) = self.ast.expr(id) {
                    self.path_constant(kind, text, pos, dst)?;
                } else if let Some(constant) = self.constant_of(id) {
                    self.function().emit_constant(dst, constant, pos);
                }
            }
            Expr::Var(name) => self.variable(name, dst, pos)?,
            Expr::SearchPath(text) => self.search_path(text, dst, pos)?,
            Expr::StrInterp(parts) => self.interpolation(parts, dst, 0, pos)?,
            Expr::PathInterp(kind, parts) => self.path_interpolation(kind, parts, dst, pos)?,
            Expr::InheritFrom { from, name } => {
                let (level, first) = *self
                    .from
                    .last()
                    .expect("an inherited attribute stands in a set");
                let source = self.function().allocate(1)?;
                self.load(level, Place::Register(first + from as u16), source, pos)?;
                self.select(source, name, dst, pos)?;
            }
            Expr::Select {
                base,
                path,
                default,
            } => match self.member_of_builtins(id) {
                Some(constant) => self.function().emit_constant(dst, constant, pos),
                None => self.selection(base, path, default, dst, pos)?,
            },
            Expr::HasAttr { base, path } => self.has_attr(base, path, dst, pos)?,
            Expr::Lambda { .. } => {
                // The whole body of a binding has its name, and that of a lambda the lambda's.
                let is_whole = self.whole == Some(id);
                let code = self.function().code();
                let name = match code.kind {
                    CodeKind::Binding(name) | CodeKind::Variable(name) if is_whole => Some(name),
                    CodeKind::Lambda if is_whole => code.name,
                    _ => None,
                };
                let code = self.lambda_code(id, name)?;
                let child = self.function().child(code);
                self.function().emit_aw(Op::Closure, dst, child, pos);
            }
            Expr::Call { callee, args } => {
                let (base, count) = self.call_operands(callee, args)?;
                self.function().emit_abc(Op::Call, dst, base, count, pos);
            }
            Expr::List(items) => {
                let mut members = Vec::new();
                if !self.environment.keep_thunks && self.constants(items, NESTED, &mut members) {
                    self.function()
                        .emit_constant(dst, Constant::List(&members), pos);
                } else {
                    self.list(items, dst, pos)?;
                }
            }
            Expr::Attrs(node) => self.attrs(node, dst, pos)?,
            Expr::Let { bindings, body } => {
                self.let_in(bindings, |compiler| compiler.value(body, dst))?
            }
            Expr::With { scope, body } => {
                self.with(scope, pos, |compiler| compiler.value(body, dst))?
            }
            Expr::If {
                condition,
                then,
                otherwise,
            } => {
                let to_else = self.condition(condition, pos)?;
                self.value(then, dst)?;
                let to_end = self.function().jump(Op::Jump, 0, 0, pos);
                self.function().land(to_else);
                self.value(otherwise, dst)?;
                self.function().land(to_end);
            }
            Expr::Assert { condition, body } => {
                self.assertion(condition, pos)?;
                self.value(body, dst)?;
            }
            Expr::Not(inner) => {
                let start = self.function().here();
                let operand = self.operand(inner)?;
                let pos = self.told_position(inner);
                self.function()
                    .note_operand(start, OperandOf::Operator(OperandUse::Not));
                self.function().emit_abc(Op::Not, dst, operand, 0, pos);
            }
            Expr::Negate(inner) => self.negate(inner, dst, pos)?,
            Expr::Binary(op, left, right) => self.binary(op, left, right, dst, pos)?,
            Expr::CurPos => self
                .function()
                .emit_abc(Op::CurrentPosition, dst, 0, 0, pos),
        }
        self.function().release(mark);
        Ok(())
    }

    fn delay_inner(&mut self, id: ExprId, dst: u16, name: Option<(Symbol, Pos)>) -> Result<()> {
        let pos = self.ast.pos(id);
        match self.ast.expr(id) {
            Expr::Lambda { .. } if !self.environment.keep_thunks => {
                let code = self.lambda_code(id, name.map(|(name, _)| name))?;
                let child = self.function().child(code);
                self.function().emit_aw(Op::Closure, dst, child, pos);
                Ok(())
            }
            _ if self.is_at_hand(id) => self.value(id, dst),
            _ => {
                let done = if self.environment.keep_thunks {
                    None
                } else {
                    self.try_at_hand(id, dst, pos)?
                };
                let code = match name {
                    Some((name, pos)) => self.thunk_code(id, CodeKind::Binding(name), pos)?,
                    None => self.thunk_code(id, CodeKind::Thunk, pos)?,
                };
                let child = self.function().child(code);
                self.function().emit_aw(Op::Thunk, dst, child, pos);
                if let Some(done) = done {
                    self.function().land(done);
                }
                Ok(())
            }
        }
    }

    /// The condition of an `if`; answers the jump to its other branch.
    fn condition(&mut self, condition: ExprId, pos: Pos) -> Result<Pending> {
        let start = self.function().here();
        let test = self.operand(condition)?;
        let function = self.function();
        function.note_operand(start, OperandOf::Operator(OperandUse::If));
        Ok(function.jump(Op::JumpIfFalse, test, OperandUse::If as u8, pos))
    }

    /// A register that holds `id`: the variable's own where it has one in this body, else a fresh one.
    pub(super) fn operand(&mut self, id: ExprId) -> Result<u16> {
        self.operand_in(id, None)
    }

    /// The same; one that has no register yet comes to stand in `dst`, if that is given.
    fn operand_in(&mut self, id: ExprId, dst: Option<u16>) -> Result<u16> {
        if let Some(register) = self.own_register(id) {
            return Ok(register);
        }
        let register = match dst {
            Some(register) => register,
            None => self.function().allocate(1)?,
        };
        self.value(id, register)?;
        Ok(register)
    }

    /// The register of a variable of this body.
    fn own_register(&self, id: ExprId) -> Option<u16> {
        match self.ast.expr(id) {
            Expr::Var(name) => match self.work.scopes.find(name) {
                Some((level, Place::Register(register))) if level == self.level() => Some(register),
                _ => None,
            },
            _ => None,
        }
    }

    /// Two operands, the left one evaluated before anything of the right one is. One of them may come to stand in `dst`, where the
    /// result goes: so no link of a chain that goes on on one side leaves what it has come to behind in a register.
    /// `check` then looks at the left one, if it is given: an instruction, and where what that finds is. `of`: what the operands are of, if
    /// traces tell that.
    pub(super) fn operands(
        &mut self,
        left: ExprId,
        right: ExprId,
        dst: u16,
        check: Option<(Op, Pos)>,
        of: [Option<OperandOf>; 2],
    ) -> Result<(u16, u16)> {
        let chain = matches!(self.ast.expr(left), Expr::Binary(..));
        let start = self.function().here();
        let a = self.operand_in(left, chain.then_some(dst))?;
        let forces = !self.is_operand_at_hand(right);
        let check = check.filter(|_| forces);
        if forces && check.is_none() && self.may_hold_thunk(left) {
            let pos = self.ast.pos(left);
            self.function().emit_abc(Op::Force, a, 0, 0, pos);
        }
        let noted = of[0].and_then(|of| self.function().note_operand(start, of));
        if let Some((check, pos)) = check {
            self.function().emit_abc(check, a, 0, 0, pos);
        }
        let start = self.function().here();
        let b = self.operand_in(right, (!chain).then_some(dst))?;
        if let Some(of) = of[1] {
            self.function().note_operand(start, of);
        }
        if check.is_none()
            && let Some(noted) = noted
        {
            self.function().takes_operand(noted);
        }
        Ok((a, b))
    }

    /// Whether loading the operand evaluates nothing.
    fn is_operand_at_hand(&self, id: ExprId) -> bool {
        matches!(self.ast.expr(id), Expr::Lambda { .. }) || self.is_at_hand(id)
    }

    /// Whether the register that `value` has filled may hold a thunk.
    pub(super) fn may_hold_thunk(&self, id: ExprId) -> bool {
        matches!(
            self.ast.expr(id),
            Expr::Var(_)
                | Expr::Select { .. }
                | Expr::InheritFrom { .. }
                | Expr::SearchPath(_)
                | Expr::If { .. }
                | Expr::Let { .. }
                | Expr::With { .. }
                | Expr::Assert { .. }
        )
    }

    // --- calls and lists

    /// Callee and arguments in neighbouring registers; answers the first and the number of arguments.
    fn call_operands(&mut self, callee: ExprId, args: Run) -> Result<(u16, u16)> {
        let ast = self.ast;
        let args = &ast.ids[args.range()];
        let base = self.function().allocate(1 + args.len())?;
        self.value(callee, base)?;
        let builtin = match self
            .constant_of(callee)
            .or_else(|| self.member_of_builtins(callee))
        {
            Some(Constant::Global(index)) => self.environment.globals.builtin(index),
            _ => None,
        };
        let builtin = builtin.filter(|builtin| builtin.arity == args.len());
        let mut strict = None;
        for (index, arg) in args.iter().enumerate() {
            let register = base + 1 + index as u16;
            match builtin {
                // It would be forced before anything else: so it is evaluated where it stands, and needs no thunk.
                Some(builtin) if builtin.first_strict == Some(index) && !self.is_at_hand(*arg) => {
                    let start = self.function().here();
                    self.value(*arg, register)?;
                    let of = OperandOf::Builtin(builtin.number);
                    strict = self.function().note_operand(start, of);
                }
                _ if self.is_built_at_once(*arg) => self.value(*arg, register)?,
                _ => self.delay(*arg, register, None)?,
            }
        }
        if let Some(note) = strict {
            // The call is what the caller emits next.
            self.function().takes_operand(note);
        }
        Ok((base, args.len() as u16))
    }

    fn list(&mut self, items: Run, dst: u16, pos: Pos) -> Result<()> {
        let ast = self.ast;
        let items = &ast.ids[items.range()];
        if items.len() <= MAX_IN_REGISTERS {
            let first = self.function().allocate(items.len())?;
            for (index, item) in items.iter().enumerate() {
                self.delay(*item, first + index as u16, None)?;
            }
            self.function()
                .emit_abc(Op::List, dst, first, items.len() as u16, pos);
            return Ok(());
        }
        let list = self.function().allocate(2)?;
        self.function()
            .emit_aw(Op::NewList, list, items.len() as u32, pos);
        for (index, item) in items.iter().enumerate() {
            self.delay(*item, list + 1, None)?;
            self.function()
                .emit_aw(Op::SetItem, list, index as u32, pos);
        }
        self.function().emit_abc(Op::Move, dst, list, 0, pos);
        Ok(())
    }
}
