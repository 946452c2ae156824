//! Attribute sets and `let`: plain ones are built from values; recursive ones are made first and filled in then, so that
//! their members can refer to each other.

use super::Compiler;
use super::scope::Place;
use crate::bytecode::{CaptureSource, CodeKind, Instruction, Op};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{AttrsNode, Binding, BindingKind, Expr, ExprId};
use smallvec::SmallVec;

/// Literals of more members than this are filled in one by one instead of from registers.
pub(super) const MAX_IN_REGISTERS: usize = 64;

/// A member of a recursive group: its register, value, name and place.
type Member = (u16, ExprId, Option<Symbol>, Pos);

/// A member of a recursive group that is made but lacks its captures.
struct Fill {
    register: u16,
    child: u32,
    pos: Pos,
}

impl Compiler<'_> {
    /// `{ ... }` or `rec { ... }` into `dst`.
    pub(super) fn attrs(&mut self, node: AttrsNode, dst: u16, pos: Pos) -> Result<()> {
        let mark = self.function().mark();
        let scope = self.work.scopes.enter();
        let result = if node.recursive {
            self.recursive_attrs(node, dst, pos)
        } else {
            self.plain_attrs(node, dst, pos)
        };
        self.work.scopes.leave(scope);
        self.function().release(mark);
        result
    }

    /// `let ... in body`; `finish` compiles the body.
    pub(super) fn let_in(
        &mut self,
        node: AttrsNode,
        finish: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mark = self.function().mark();
        let scope = self.work.scopes.enter();
        let bound = self
            .bind_group(node, CodeKind::Variable)
            .and_then(|_| finish(self));
        self.work.scopes.leave(scope);
        self.function().release(mark);
        bound
    }

    fn sorted_bindings(&self, node: AttrsNode) -> SmallVec<[Binding; 8]> {
        let mut bindings: SmallVec<[Binding; 8]> = self.ast.bindings[node.bindings.range()].into();
        bindings.sort_by_key(|binding| binding.name);
        bindings
    }

    fn plain_attrs(&mut self, node: AttrsNode, dst: u16, pos: Pos) -> Result<()> {
        let bindings = self.sorted_bindings(node);
        self.inherit_from(node)?;
        let result = self.build(&bindings, dst, pos, |compiler, binding, register| {
            compiler.binding_value(binding, register)
        });
        self.from.pop();
        result?;
        self.dynamic(node, dst)
    }

    /// Emits a set of `bindings`, sorted by name, with the value that `value` puts in a register.
    fn build(
        &mut self,
        bindings: &[Binding],
        dst: u16,
        pos: Pos,
        mut value: impl FnMut(&mut Self, &Binding, u16) -> Result<()>,
    ) -> Result<()> {
        let keys = bindings.iter().map(|binding| (binding.name, binding.pos));
        let shape = self.function().code().shape(keys);
        match u16::try_from(shape) {
            Ok(shape) if bindings.len() <= MAX_IN_REGISTERS => {
                let first = self.function().allocate(bindings.len())?;
                for (index, binding) in bindings.iter().enumerate() {
                    value(self, binding, first + index as u16)?;
                }
                self.function().emit_abc(Op::Attrs, dst, first, shape, pos);
            }
            _ => {
                let set = self.function().allocate(2)?;
                self.function().emit_aw(Op::NewAttrs, set, shape, pos);
                for (index, binding) in bindings.iter().enumerate() {
                    value(self, binding, set + 1)?;
                    self.function().emit_aw(Op::SetAttr, set, index as u32, pos);
                }
                self.function().emit_abc(Op::Move, dst, set, 0, pos);
            }
        }
        Ok(())
    }

    /// Evaluates dynamic names and adds their attributes to the set in `dst`.
    fn dynamic(&mut self, node: AttrsNode, dst: u16) -> Result<()> {
        let ast = self.ast;
        for binding in &ast.dynamic_bindings[node.dynamic.range()] {
            let mark = self.function().mark();
            let name = self.function().allocate(2)?;
            self.value(binding.name, name)?;
            // An attribute named null is not there, so its value is not even looked at; making a thunk of it is harmless.
            self.delay(binding.value, name + 1, None)?;
            self.function()
                .emit_abc(Op::DynamicAttr, dst, name, name + 1, binding.pos);
            self.function().release(mark);
        }
        Ok(())
    }

    /// Delays the `from` expressions of `inherit (from)` into neighbouring registers.
    fn inherit_from(&mut self, node: AttrsNode) -> Result<()> {
        let ast = self.ast;
        let sources = &ast.ids[node.inherit_from.range()];
        let first = self.function().allocate(sources.len())?;
        for (index, source) in sources.iter().enumerate() {
            self.delay(*source, first + index as u16, None)?;
        }
        let level = self.level();
        self.from.push((level, first));
        Ok(())
    }

    fn binding_value(&mut self, binding: &Binding, register: u16) -> Result<()> {
        self.delay(binding.value, register, Some((binding.name, binding.pos)))
    }

    fn recursive_attrs(&mut self, node: AttrsNode, dst: u16, pos: Pos) -> Result<()> {
        let bindings = self.sorted_bindings(node);
        if bindings
            .iter()
            .any(|binding| binding.name == self.names.overrides)
        {
            return self.overridden_attrs(node, &bindings, dst, pos);
        }
        let first = self.bind_group(node, CodeKind::Binding)?;
        let ast = self.ast;
        let mut registers: Vec<(Symbol, u16)> = (ast.bindings[node.bindings.range()].iter())
            .zip(first..)
            .map(|(binding, register)| (binding.name, register))
            .collect();
        registers.sort_unstable();
        self.build(&bindings, dst, pos, |compiler, binding, register| {
            let from = registers
                .binary_search_by_key(&binding.name, |(name, _)| *name)
                .map_or(register, |found| registers[found].1);
            compiler
                .function()
                .emit_abc(Op::Move, register, from, 0, binding.pos);
            Ok(())
        })?;
        self.dynamic(node, dst)
    }

    /// Binds the members of a `let` or `rec` in a new scope and makes their values. Answers the register of the first; they follow
    /// each other.
    fn bind_group(&mut self, node: AttrsNode, kind: fn(Symbol) -> CodeKind) -> Result<u16> {
        let ast = self.ast;
        let bindings = &ast.bindings[node.bindings.range()];
        let first = self.function().allocate(bindings.len())?;
        let register = |index: usize| first + index as u16;
        // `inherit x` means the x outside, so it is read before the names are bound.
        for (index, binding) in bindings.iter().enumerate() {
            if binding.kind == BindingKind::Inherited {
                self.delay(
                    binding.value,
                    register(index),
                    Some((binding.name, binding.pos)),
                )?;
            }
        }
        let level = self.level();
        for (index, binding) in bindings.iter().enumerate() {
            self.work
                .scopes
                .bind(binding.name, level, Place::Register(register(index)));
        }

        let sources = &ast.ids[node.inherit_from.range()];
        let from = self.function().allocate(sources.len())?;
        self.from.push((level, from));
        let mut members: SmallVec<[Member; 8]> = SmallVec::new();
        for (index, source) in sources.iter().enumerate() {
            members.push((from + index as u16, *source, None, self.ast.pos(*source)));
        }
        for (index, binding) in bindings.iter().enumerate() {
            if binding.kind != BindingKind::Inherited {
                members.push((
                    register(index),
                    binding.value,
                    Some(binding.name),
                    binding.pos,
                ));
            }
        }
        let result = self.make_group(&members, kind);
        self.from.pop();
        result?;
        Ok(first)
    }

    fn make_group(&mut self, members: &[Member], kind: fn(Symbol) -> CodeKind) -> Result<()> {
        // Whether a register holds a member that is still to come: nobody can capture that yet.
        let first = members.iter().map(|member| member.0).min().unwrap_or(0);
        let last = members.iter().map(|member| member.0).max().unwrap_or(0);
        let mut to_come: SmallVec<[bool; 64]> = SmallVec::new();
        to_come.resize(usize::from(last - first) + 1, false);
        for member in members {
            to_come[usize::from(member.0 - first)] = true;
        }
        let is_to_come = |to_come: &[bool], register: u16| {
            let index = register.checked_sub(first).map(usize::from);
            index.is_some_and(|index| to_come.get(index) == Some(&true))
        };
        let mut fills = Vec::new();
        for (register, id, name, pos) in members {
            if let Some(constant) = self.constant_of(*id) {
                self.function().emit_constant(*register, constant, *pos);
            } else if self.is_variable(*id, |register| !is_to_come(&to_come, register)) {
                self.delay(*id, *register, name.map(|name| (name, *pos)))?;
            } else {
                let is_lambda = matches!(self.ast.expr(*id), Expr::Lambda { .. })
                    && !self.environment.keep_thunks;
                let code = if is_lambda {
                    self.lambda_code(*id, *name)?
                } else {
                    self.thunk_code(*id, name.map_or(CodeKind::Thunk, kind), *pos)?
                };
                // One that needs only what is there already, perhaps without captures of its own yet, is made at once.
                let waits = self.finished_captures().iter().any(|source| {
                    matches!(source, CaptureSource::Register(register) if is_to_come(&to_come, *register))
                });
                let op = match (is_lambda, waits) {
                    (true, false) => Op::Closure,
                    (false, false) => Op::Thunk,
                    (true, true) => Op::NewClosure,
                    (false, true) => Op::NewThunk,
                };
                let child = self.function().child(code);
                self.function().emit_aw(op, *register, child, *pos);
                if waits {
                    fills.push(Fill {
                        register: *register,
                        child,
                        pos: *pos,
                    });
                }
            }
            to_come[usize::from(*register - first)] = false;
        }
        for fill in fills {
            self.function()
                .emit_aw(Op::Fill, fill.register, fill.child, fill.pos);
        }
        Ok(())
    }

    /// Whether a member is another name for a variable that `is_there` in its register, or from outside, or selects from one: its value
    /// does not wait for the rest of the group.
    fn is_variable(&self, id: ExprId, is_there: impl Fn(u16) -> bool) -> bool {
        let name = match self.ast.expr(id) {
            Expr::Var(name) => name,
            Expr::Select {
                base,
                default: None,
                ..
            } if !self.environment.keep_thunks => match self.ast.expr(base) {
                Expr::Var(name) => name,
                _ => return false,
            },
            _ => return false,
        };
        match self.work.scopes.find(name) {
            Some((level, Place::Register(register))) => level != self.level() || is_there(register),
            _ => false,
        }
    }

    /// `rec { __overrides = ...; }`: members see the set with the overrides applied. They refer to it through a
    /// thunk that stands for the whole set until it is there.
    fn overridden_attrs(
        &mut self,
        node: AttrsNode,
        bindings: &[Binding],
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        let base = self.function().allocate(3)?;
        let (this, finished, overrides) = (base, base + 1, base + 2);
        let level = self.level();

        // A thunk whose code returns its capture 0: the finished set, filled in below.
        self.begin(CodeKind::Thunk, pos);
        let whole = self.function();
        whole.capture(CaptureSource::Register(finished))?;
        let result = whole.allocate(1)?;
        whole.emit_abc(Op::Capture, result, 0, 0, pos);
        whole.emit_abc(Op::Return, result, 0, 0, pos);
        let whole = self.finish();
        let child = self.function().child(whole);
        self.function().emit_aw(Op::NewThunk, this, child, pos);

        let mut inherited = Vec::new();
        for binding in bindings {
            if binding.kind == BindingKind::Inherited {
                let register = self.function().allocate(1)?;
                self.delay(binding.value, register, Some((binding.name, binding.pos)))?;
                inherited.push((binding.name, register));
            }
        }
        for binding in bindings {
            self.work.scopes.bind(
                binding.name,
                level,
                Place::Attribute {
                    set: this,
                    name: binding.name,
                },
            );
        }
        self.inherit_from(node)?;
        let built =
            self.build(
                bindings,
                finished,
                pos,
                |compiler, binding, register| match inherited
                    .iter()
                    .find(|(name, _)| *name == binding.name)
                {
                    Some((_, from)) => {
                        compiler
                            .function()
                            .emit_abc(Op::Move, register, *from, 0, binding.pos);
                        Ok(())
                    }
                    None => compiler.binding_value(binding, register),
                },
            );
        self.from.pop();
        built?;
        let name = self.names.overrides;
        let site = self.function().select(name)?;
        let function = self.function();
        // The overrides themselves may refer to members, so the set without them stands in meanwhile.
        function.emit_aw(Op::Fill, this, child, pos);
        function.emit(Instruction::abc(Op::Select, overrides, finished, site), pos);
        function.emit_abc(Op::Force, overrides, 0, 0, pos);
        function.emit_abc(Op::Update, finished, finished, overrides, pos);
        function.emit_aw(Op::Fill, this, child, pos);
        function.emit_abc(Op::Move, dst, finished, 0, pos);
        self.dynamic(node, dst)
    }
}
