//! Expressions. Three ways to compile one: [`Compiler::value`] evaluates it in place, [`Compiler::tail`] evaluates it
//! as the result of the body, [`Compiler::delay`] puts off what cannot be had for nothing.
//!
//! A register that `value` has written may still hold a thunk (a variable, a selected attribute); whatever uses the
//! register forces it. Where something that can fail is evaluated in between, a `Force` keeps the order.

use super::Compiler;
use super::bindings::MAX_IN_REGISTERS;
use super::function::Pending;
use super::scope::Place;
use crate::bytecode::{BoolUse, CodeKind, Constant, Instruction, Op, StrictArgument};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{AttrName, BinaryOp, Expr, ExprId, Part, PathKind, Run};

/// Native stack kept free for one level of nesting, and the size of each further piece.
const RED_ZONE: usize = 128 * 1024;
const STACK_PIECE: usize = 4 * 1024 * 1024;

/// Sets and lists of at most so many members, all at hand, are built at once instead of being delayed.
const MAX_EAGER: usize = 8;
/// Arithmetic of literals is done here where it is nested at most so deep: each level of a longer chain would look at all below it.
const FOLDED: usize = 3;
/// Lists of constants are constants where they are nested at most so deep, for the same reason.
const NESTED: usize = 3;

impl<'a> Compiler<'a> {
    /// Emits code that evaluates `id` into register `dst`.
    pub(super) fn value(&mut self, id: ExprId, dst: u16) -> Result<()> {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || self.value_inner(id, dst))
    }

    /// Emits code that evaluates `id` and returns it.
    pub(super) fn tail(&mut self, id: ExprId) -> Result<()> {
        stacker::maybe_grow(RED_ZONE, STACK_PIECE, || self.tail_inner(id))
    }

    /// Emits code that puts `id` into `dst` without evaluating what could fail or take time.
    pub(super) fn delay(&mut self, id: ExprId, dst: u16, name: Option<Symbol>) -> Result<()> {
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
                let test = self.operand(condition)?;
                let to_else = self
                    .function()
                    .jump(Op::JumpIfFalse, test, BoolUse::If as u8, pos);
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
            Expr::With { scope, body } => self.with(scope, |compiler| compiler.tail(body)),
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
                // The whole body of a binding: the lambda has its name.
                let name = match self.function().code() {
                    code if !code.instructions.is_empty() => None,
                    code => match code.kind {
                        CodeKind::Binding(name) | CodeKind::Variable(name) => Some(name),
                        _ => None,
                    },
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
            Expr::With { scope, body } => self.with(scope, |compiler| compiler.value(body, dst))?,
            Expr::If {
                condition,
                then,
                otherwise,
            } => {
                let test = self.operand(condition)?;
                let to_else = self
                    .function()
                    .jump(Op::JumpIfFalse, test, BoolUse::If as u8, pos);
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
                let operand = self.operand(inner)?;
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

    fn delay_inner(&mut self, id: ExprId, dst: u16, name: Option<Symbol>) -> Result<()> {
        let pos = self.ast.pos(id);
        match self.ast.expr(id) {
            Expr::Lambda { .. } if !self.environment.keep_thunks => {
                let code = self.lambda_code(id, name)?;
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
                let code = self.thunk_code(id, name.map_or(CodeKind::Thunk, CodeKind::Binding))?;
                let child = self.function().child(code);
                self.function().emit_aw(Op::Thunk, dst, child, pos);
                if let Some(done) = done {
                    self.function().land(done);
                }
                Ok(())
            }
        }
    }

    /// Emits code that has the value at once where everything it needs turns out to be there when it runs: a selection from an
    /// evaluated set that has the attribute, a sum of small integers. Neither can fail or take time then, so nobody can tell it
    /// from a thunk; where something is missing, the instruction that makes the thunk comes next. Answers a jump behind that.
    fn try_at_hand(&mut self, id: ExprId, dst: u16, pos: Pos) -> Result<Option<Pending>> {
        let mark = self.function().mark();
        let done = match self.ast.expr(id) {
            Expr::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), left, right)
                if self.is_atom(left)
                    && self.is_atom(right)
                    && self.work.scopes.find(self.names.sub).is_none() =>
            {
                let constant = match (op, self.small(left), self.small(right)) {
                    (BinaryOp::Add, Some(number), None) => Some((right, number)),
                    (BinaryOp::Add, None, Some(number)) => Some((left, number)),
                    (_, None, Some(number)) => number.checked_neg().map(|number| (left, number)),
                    _ => None,
                };
                if let Some((operand, number)) = constant {
                    let register = self.operand(operand)?;
                    self.function()
                        .emit_abc(Op::AddIntAtHand, dst, register, number as u16, pos);
                } else {
                    let (a, b) = (self.operand(left)?, self.operand(right)?);
                    let op = if op == BinaryOp::Add {
                        Op::AddAtHand
                    } else {
                        Op::SubAtHand
                    };
                    self.function().emit_abc(op, dst, a, b, pos);
                }
                None
            }
            Expr::InheritFrom { from, name } => {
                let (level, first) = *self
                    .from
                    .last()
                    .expect("an inherited attribute stands in a set");
                let source = self.local(level, Place::Register(first + from as u16), pos)?;
                let site = self.function().select(name)?;
                self.function()
                    .emit_abc(Op::SelectAtHand, dst, source, site, pos);
                None
            }
            Expr::Select {
                base,
                path,
                default: None,
            } if self.is_atom(base) => {
                let names = self.path_names(path);
                let mut symbols = Vec::new();
                for name in names {
                    match name {
                        AttrName::Static(name) => symbols.push(name),
                        AttrName::Dynamic(_) => {
                            self.function().release(mark);
                            return Ok(None);
                        }
                    }
                }
                let mut set = self.operand(base)?;
                let mut missing = Vec::new();
                let last = symbols.len() - 1;
                for (index, name) in symbols.into_iter().enumerate() {
                    let target = if index == last {
                        dst
                    } else {
                        self.function().allocate(1)?
                    };
                    let site = self.function().select(name)?;
                    self.function()
                        .emit_abc(Op::SelectAtHand, target, set, site, pos);
                    if last > 0 {
                        missing.push(self.function().jump(Op::Jump, 0, 0, pos));
                    }
                    set = target;
                }
                if last == 0 {
                    None
                } else {
                    let done = self.function().jump(Op::Jump, 0, 0, pos);
                    for jump in missing {
                        self.function().land(jump);
                    }
                    Some(done)
                }
            }
            _ => None,
        };
        self.function().release(mark);
        Ok(done)
    }

    /// Whether evaluating costs nothing, cannot fail and asks nobody: then it is not worth a thunk.
    fn is_at_hand(&self, id: ExprId) -> bool {
        match self.ast.expr(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => true,
            Expr::Negate(_) | Expr::Binary(..) => self.constant_of(id).is_some(),
            Expr::Path(kind, _) => kind != PathKind::Home,
            Expr::Var(name) => match self.work.scopes.find(name) {
                Some((_, place)) => matches!(place, Place::Register(_)),
                None => (self.environment.globals)(name).is_some(),
            },
            Expr::List(items) if self.environment.keep_thunks => items.len == 0,
            Expr::Attrs(_) if self.environment.keep_thunks => false,
            Expr::List(items) => {
                items.len as usize <= MAX_EAGER
                    && self.ast.ids[items.range()]
                        .iter()
                        .all(|item| self.is_atom(*item))
            }
            Expr::Attrs(node) => {
                !node.recursive
                    && node.dynamic.len == 0
                    && node.inherit_from.len == 0
                    && node.bindings.len as usize <= MAX_EAGER
                    && self.ast.bindings[node.bindings.range()]
                        .iter()
                        .all(|binding| self.is_atom(binding.value))
            }
            _ => false,
        }
    }

    fn is_atom(&self, id: ExprId) -> bool {
        !matches!(self.ast.expr(id), Expr::List(_) | Expr::Attrs(_)) && self.is_at_hand(id)
    }

    /// The constant that `id` is, if it needs no evaluation at all.
    pub(super) fn constant_of(&self, id: ExprId) -> Option<Constant<'a>> {
        match self.ast.expr(id) {
            Expr::Int(value) => Some(Constant::Int(value)),
            Expr::Float(value) => Some(Constant::Float(value)),
            Expr::Str(text) => Some(Constant::String(self.ast.text(text))),
            Expr::Var(name) if self.work.scopes.find(name).is_none() => {
                (self.environment.globals)(name).map(Constant::Global)
            }
            // Nix makes a thunk of it, which must be there if it can be seen.
            Expr::Negate(_) | Expr::Binary(..) if !self.environment.keep_thunks => {
                self.folded(id, FOLDED).map(Constant::Int)
            }
            Expr::List(items) if items.len == 0 => Some(Constant::List(&[])),
            _ => None,
        }
    }

    /// Appends the members of a list, if they are constants and short lists of constants, nested at most `levels` deep: nobody can
    /// tell whether such a list is built once or each time.
    fn constants(&self, items: Run, levels: usize, out: &mut Vec<u8>) -> bool {
        self.ast.ids[items.range()].iter().all(|item| {
            if let Some(constant) = self.constant_of(*item) {
                constant.write(out);
                return true;
            }
            match self.ast.expr(*item) {
                // A longer one within is delayed, which messages show.
                Expr::List(items) if levels > 0 && items.len as usize <= MAX_EAGER => {
                    let mut members = Vec::new();
                    let constant = self.constants(items, levels - 1, &mut members);
                    Constant::List(&members).write(out);
                    constant
                }
                _ => false,
            }
        })
    }

    /// The integer that arithmetic of literals comes to, nested at most `levels` deep; nothing where it fails, or where the program
    /// has operators of its own.
    fn folded(&self, id: ExprId, levels: usize) -> Option<i64> {
        let own = |function| self.work.scopes.find(function).is_some();
        let of = |operand| self.folded(operand, levels.checked_sub(1)?);
        match self.ast.expr(id) {
            Expr::Int(value) => Some(value),
            Expr::Negate(inner) if !own(self.names.sub) => of(inner)?.checked_neg(),
            Expr::Binary(op, left, right) => {
                let (function, compute): (_, fn(i64, i64) -> Option<i64>) = match op {
                    BinaryOp::Add => (None, i64::checked_add),
                    BinaryOp::Sub => (Some(self.names.sub), i64::checked_sub),
                    BinaryOp::Mul => (Some(self.names.mul), i64::checked_mul),
                    BinaryOp::Div => (Some(self.names.div), i64::checked_div),
                    _ => return None,
                };
                if function.is_some_and(own) {
                    return None;
                }
                compute(of(left)?, of(right)?)
            }
            _ => None,
        }
    }

    /// A register that holds `id`: the variable's own where it has one in this body, else a fresh one.
    fn operand(&mut self, id: ExprId) -> Result<u16> {
        if let Expr::Var(name) = self.ast.expr(id)
            && let Some((level, Place::Register(register))) = self.work.scopes.find(name)
            && level == self.level()
        {
            return Ok(register);
        }
        let register = self.function().allocate(1)?;
        self.value(id, register)?;
        Ok(register)
    }

    /// Two operands, the left one evaluated before anything of the right one is.
    fn operands(&mut self, left: ExprId, right: ExprId) -> Result<(u16, u16)> {
        let a = self.operand(left)?;
        if !self.is_operand_at_hand(right) && self.may_hold_thunk(left) {
            let pos = self.ast.pos(left);
            self.function().emit_abc(Op::Force, a, 0, 0, pos);
        }
        let b = self.operand(right)?;
        Ok((a, b))
    }

    /// Whether loading the operand evaluates nothing.
    fn is_operand_at_hand(&self, id: ExprId) -> bool {
        matches!(self.ast.expr(id), Expr::Lambda { .. }) || self.is_at_hand(id)
    }

    /// Whether the register that `value` has filled may hold a thunk.
    fn may_hold_thunk(&self, id: ExprId) -> bool {
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

    // --- variables

    fn variable(&mut self, name: Symbol, dst: u16, pos: Pos) -> Result<()> {
        if let Some((level, place)) = self.work.scopes.find(name) {
            return self.load(level, place, dst, pos);
        }
        if let Some(global) = (self.environment.globals)(name) {
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
        for (level, register) in self.work.scopes.withs.clone().into_iter().rev() {
            let mark = self.function().mark();
            let set = self.local(level, Place::Register(register), pos)?;
            let site = self.function().select(name)?;
            self.function()
                .emit_abc(Op::WithLookup, dst, set, site, pos);
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
    fn local(&mut self, level: usize, place: Place, pos: Pos) -> Result<u16> {
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
    fn load(&mut self, level: usize, place: Place, dst: u16, pos: Pos) -> Result<()> {
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

    fn with(&mut self, scope: ExprId, finish: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let mark = self.function().mark();
        let register = self.function().allocate(1)?;
        self.delay(scope, register, None)?;
        let level = self.level();
        self.work.scopes.withs.push((level, register));
        let result = finish(self);
        self.work.scopes.withs.pop();
        self.function().release(mark);
        result
    }

    // --- constants, strings and paths

    fn path_constant(&mut self, kind: PathKind, text: Run, pos: Pos, dst: u16) -> Result<()> {
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

    fn search_path(&mut self, text: Run, dst: u16, pos: Pos) -> Result<()> {
        let base = self.function().allocate(3)?;
        let (find_file, nix_path) = (self.names.find_file, self.names.nix_path);
        if self.work.scopes.find(find_file).is_none()
            && (self.environment.globals)(find_file).is_none()
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

    fn interpolation(&mut self, parts: Run, dst: u16, kind: u8, pos: Pos) -> Result<()> {
        let parts: Vec<Part> = self.ast.parts[parts.range()].to_vec();
        let first = self.function().allocate(parts.len())?;
        for (index, part) in parts.iter().enumerate() {
            self.part(*part, first + index as u16, index + 1 < parts.len(), pos)?;
        }
        self.join(dst, first, parts.len(), kind, pos);
        self.function()
            .note_parts(parts.iter().map(|part| match part {
                Part::Literal(_) => pos,
                Part::Expr(_, pos) => *pos,
            }));
        Ok(())
    }

    fn part(&mut self, part: Part, register: u16, force: bool, pos: Pos) -> Result<()> {
        match part {
            Part::Literal(text) => {
                let text = self.ast.text(text);
                self.function()
                    .emit_constant(register, Constant::String(text), pos);
            }
            Part::Expr(id, _) => {
                self.value(id, register)?;
                if force && self.may_hold_thunk(id) {
                    let pos = self.ast.pos(id);
                    self.function().emit_abc(Op::Force, register, 0, 0, pos);
                }
            }
        }
        Ok(())
    }

    fn path_interpolation(&mut self, kind: PathKind, parts: Run, dst: u16, pos: Pos) -> Result<()> {
        let parts: Vec<Part> = self.ast.parts[parts.range()].to_vec();
        let first = self.function().allocate(parts.len())?;
        for (index, part) in parts.iter().enumerate() {
            let register = first + index as u16;
            match part {
                Part::Literal(text) if index == 0 => {
                    let text = self.absolute(kind, *text, pos)?;
                    self.function()
                        .emit_constant(register, Constant::String(&text), pos);
                }
                part => self.part(*part, register, true, pos)?,
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

    // --- selection

    fn select(&mut self, set: u16, name: Symbol, dst: u16, pos: Pos) -> Result<()> {
        let site = self.function().select(name)?;
        self.function().emit_abc(Op::Select, dst, set, site, pos);
        Ok(())
    }

    fn selection(
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

    fn has_attr(&mut self, base: ExprId, path: Run, dst: u16, pos: Pos) -> Result<()> {
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

    fn path_names(&self, path: Run) -> Vec<AttrName> {
        self.ast.names[path.range()].to_vec()
    }

    // --- calls and lists

    /// Callee and arguments in neighbouring registers; answers the first and the number of arguments.
    fn call_operands(&mut self, callee: ExprId, args: Run) -> Result<(u16, u16)> {
        let args: Vec<ExprId> = self.ast.ids[args.range()].to_vec();
        let base = self.function().allocate(1 + args.len())?;
        self.value(callee, base)?;
        let builtin = match self
            .constant_of(callee)
            .or_else(|| self.member_of_builtins(callee))
        {
            Some(Constant::Global(index)) => (self.environment.builtins)(index),
            _ => None,
        };
        let builtin = builtin.filter(|builtin| builtin.arity == args.len());
        let mut strict = None;
        for (index, arg) in args.iter().enumerate() {
            let register = base + 1 + index as u16;
            match builtin {
                // It would be forced before anything else: so it is evaluated where it stands, and needs no thunk.
                Some(builtin) if builtin.first_strict == Some(index) && !self.is_at_hand(*arg) => {
                    let start = self.function().code().instructions.len() as u32;
                    self.value(*arg, register)?;
                    let end = self.function().code().instructions.len() as u32;
                    strict = Some((start, end, builtin.number));
                }
                _ => self.delay(*arg, register, None)?,
            }
        }
        if let Some((start, end, builtin)) = strict {
            // The call is what the caller emits next.
            let code = self.function().code();
            let call = code.instructions.len() as u32;
            code.strict_arguments.push(StrictArgument {
                start,
                end,
                call,
                builtin,
            });
        }
        Ok((base, args.len() as u16))
    }

    /// The constant that `builtins.name` is.
    fn member_of_builtins(&mut self, id: ExprId) -> Option<Constant<'static>> {
        let Expr::Select {
            base,
            path,
            default: None,
        } = self.ast.expr(id)
        else {
            return None;
        };
        match self.ast.expr(base) {
            Expr::Var(name)
                if name == self.names.builtins && self.work.scopes.find(name).is_none() => {}
            _ => return None,
        }
        let &[AttrName::Static(name)] = &self.ast.names[path.range()] else {
            return None;
        };
        let prefixed = [b"__", self.interner.name(name)].concat();
        let prefixed = self.interner.intern(&prefixed);
        // `builtins` has each global by its own name, those that are not global but with this prefix without it.
        (self.environment.globals)(prefixed)
            .or_else(|| (self.environment.globals)(name))
            .filter(|_| (self.environment.globals)(self.names.builtins).is_some())
            .map(Constant::Global)
    }

    /// A call of a global or shadowed function with operands that are at hand in registers.
    fn operator_call(&mut self, name: Symbol, args: [ExprId; 2], dst: u16, pos: Pos) -> Result<()> {
        let base = self.function().allocate(3)?;
        self.variable(name, base, pos)?;
        for (index, arg) in args.into_iter().enumerate() {
            self.delay(arg, base + 1 + index as u16, None)?;
        }
        self.function().emit_abc(Op::Call, dst, base, 2, pos);
        Ok(())
    }

    fn list(&mut self, items: Run, dst: u16, pos: Pos) -> Result<()> {
        let items: Vec<ExprId> = self.ast.ids[items.range()].to_vec();
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

    // --- operators

    fn assertion(&mut self, condition: ExprId, pos: Pos) -> Result<()> {
        let mark = self.function().mark();
        let mut compared = None;
        let test = match self.ast.expr(condition) {
            // The operands stay in their registers, to be told when they differ.
            Expr::Binary(BinaryOp::Eq, left, right) => {
                let first = self.function().allocate(3)?;
                self.value(left, first)?;
                if self.may_hold_thunk(left) {
                    let pos = self.ast.pos(left);
                    self.function().emit_abc(Op::Force, first, 0, 0, pos);
                }
                self.value(right, first + 1)?;
                let pos = self.ast.pos(condition);
                self.function()
                    .emit_abc(Op::Eq, first + 2, first, first + 1, pos);
                compared = Some(first);
                first + 2
            }
            _ => self.operand(condition)?,
        };
        let holds = self
            .function()
            .jump(Op::JumpIfTrue, test, BoolUse::Assert as u8, pos);
        let text = crate::syntax::show_expression(self.ast, self.interner, condition);
        let text = self.function().code().constant(&Constant::String(&text));
        let mut failed = Instruction::aw(Op::AssertFailed, compared.unwrap_or_default(), text);
        failed.x = u8::from(compared.is_some());
        self.function().emit(failed, pos);
        self.function().land(holds);
        self.function().release(mark);
        Ok(())
    }

    fn negate(&mut self, inner: ExprId, dst: u16, pos: Pos) -> Result<()> {
        let sub = self.names.sub;
        if self.work.scopes.find(sub).is_some() {
            let base = self.function().allocate(3)?;
            self.variable(sub, base, pos)?;
            self.function()
                .emit_constant(base + 1, Constant::Int(0), pos);
            self.delay(inner, base + 2, None)?;
            self.function().emit_abc(Op::Call, dst, base, 2, pos);
            return Ok(());
        }
        let operand = self.operand(inner)?;
        self.function().emit_abc(Op::Negate, dst, operand, 0, pos);
        Ok(())
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: ExprId,
        right: ExprId,
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        let less = self.names.less_than;
        let (function, swapped) = match op {
            BinaryOp::Sub => (Some(self.names.sub), false),
            BinaryOp::Mul => (Some(self.names.mul), false),
            BinaryOp::Div => (Some(self.names.div), false),
            BinaryOp::Less | BinaryOp::GreaterEq => (Some(less), false),
            BinaryOp::Greater | BinaryOp::LessEq => (Some(less), true),
            _ => (None, false),
        };
        let (left, right) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        if let Some(function) = function
            && self.work.scopes.find(function).is_some()
        {
            self.operator_call(function, [left, right], dst, pos)?;
            if matches!(op, BinaryOp::LessEq | BinaryOp::GreaterEq) {
                self.function().emit_abc(Op::Not, dst, dst, 0, pos);
            }
            return Ok(());
        }
        let op = match op {
            BinaryOp::And => {
                return self.shortcut(
                    [left, right],
                    Op::JumpIfFalse,
                    [BoolUse::AndLeft, BoolUse::AndRight],
                    dst,
                    pos,
                );
            }
            BinaryOp::Or => {
                return self.shortcut(
                    [left, right],
                    Op::JumpIfTrue,
                    [BoolUse::OrLeft, BoolUse::OrRight],
                    dst,
                    pos,
                );
            }
            BinaryOp::Implies => return self.implication(left, right, dst, pos),
            BinaryOp::Add => Op::Add,
            BinaryOp::Sub => Op::Sub,
            BinaryOp::Mul => Op::Mul,
            BinaryOp::Div => Op::Div,
            BinaryOp::Eq => Op::Eq,
            BinaryOp::NotEq => Op::NotEq,
            BinaryOp::Less | BinaryOp::Greater => Op::Less,
            BinaryOp::LessEq | BinaryOp::GreaterEq => Op::NotLess,
            BinaryOp::Update => Op::Update,
            BinaryOp::Concat => Op::Concat,
        };
        if !self.with_constant(op, left, right, dst, pos)? {
            let (a, b) = if op == Op::Update {
                // Nix begins with the right one here.
                let (b, a) = self.operands(right, left)?;
                (a, b)
            } else {
                self.operands(left, right)?
            };
            self.function().emit_abc(op, dst, a, b, pos);
        }
        if op == Op::Add {
            let starts = [left, right].map(|operand| self.ast.operand_start(operand));
            self.function().note_parts(starts.into_iter());
        }
        Ok(())
    }

    /// Emits an operation one of whose operands is a constant, if there is an instruction for that.
    fn with_constant(
        &mut self,
        op: Op,
        left: ExprId,
        right: ExprId,
        dst: u16,
        pos: Pos,
    ) -> Result<bool> {
        // The instruction, its register operand, its number, and whether that stands on the left.
        let (op, operand, number, swapped) = match (op, self.small(left), self.small(right)) {
            (Op::Add, None, Some(number)) => (Op::AddInt, left, number, false),
            (Op::Add, Some(number), None) => (Op::AddInt, right, number, true),
            (Op::Sub, None, Some(number)) => (Op::SubInt, left, number, false),
            (Op::Less, None, Some(number)) => (Op::LessInt, left, number, false),
            (Op::Less, Some(number), None) => (Op::LessInt, right, number, true),
            (Op::NotLess, None, Some(number)) => (Op::NotLessInt, left, number, false),
            (Op::NotLess, Some(number), None) => (Op::NotLessInt, right, number, true),
            (Op::Eq | Op::NotEq, ..) => {
                let (constant, operand) = match (
                    self.comparable_constant(left),
                    self.comparable_constant(right),
                ) {
                    (_, Some(constant)) => (constant, left),
                    (Some(constant), None) => (constant, right),
                    _ => return Ok(false),
                };
                let index = self.function().code().constant(&constant);
                let Ok(index) = u16::try_from(index) else {
                    return Ok(false);
                };
                let register = self.operand(operand)?;
                let mut instruction = Instruction::abc(Op::EqConst, dst, register, index);
                instruction.x = u8::from(op == Op::NotEq);
                self.function().emit(instruction, pos);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let register = self.operand(operand)?;
        let mut instruction = Instruction::abc(op, dst, register, number as u16);
        instruction.x = u8::from(swapped);
        self.function().emit(instruction, pos);
        Ok(true)
    }

    /// The integer that `id` is, if it fits into an operand.
    fn small(&self, id: ExprId) -> Option<i16> {
        match self.ast.expr(id) {
            Expr::Int(number) => i16::try_from(number).ok(),
            _ => None,
        }
    }

    /// The constant that `id` is, if it is a number, a string, a bool or null.
    fn comparable_constant(&self, id: ExprId) -> Option<Constant<'a>> {
        match self.constant_of(id)? {
            Constant::Global(index) => match self.ast.expr(id) {
                Expr::Var(name)
                    if matches!(self.interner.name(name), b"null" | b"true" | b"false") =>
                {
                    Some(Constant::Global(index))
                }
                _ => None,
            },
            // Whether something equals it may take an evaluation.
            Constant::List(_) => None,
            constant => Some(constant),
        }
    }

    /// `a && b`, `a || b`: the value of `a` where it decides, else that of `b`, which must be a bool too.
    fn shortcut(
        &mut self,
        operands: [ExprId; 2],
        jump: Op,
        usage: [BoolUse; 2],
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        self.value(operands[0], dst)?;
        let decided = self.function().jump(jump, dst, usage[0] as u8, pos);
        self.value(operands[1], dst)?;
        self.check_bool(dst, usage[1], pos);
        self.function().land(decided);
        Ok(())
    }

    fn implication(&mut self, left: ExprId, right: ExprId, dst: u16, pos: Pos) -> Result<()> {
        self.value(left, dst)?;
        let holds = self
            .function()
            .jump(Op::JumpIfFalse, dst, BoolUse::ImpliesLeft as u8, pos);
        self.value(right, dst)?;
        self.check_bool(dst, BoolUse::ImpliesRight, pos);
        let to_end = self.function().jump(Op::Jump, 0, 0, pos);
        self.function().land(holds);
        self.function()
            .emit_constant(dst, Constant::Bool(true), pos);
        self.function().land(to_end);
        Ok(())
    }

    fn check_bool(&mut self, register: u16, usage: BoolUse, pos: Pos) {
        let mut check = Instruction::abc(Op::CheckBool, register, 0, 0);
        check.x = usage as u8;
        self.function().emit(check, pos);
    }
}
