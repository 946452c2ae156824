//! Calls: of closures with just enough, too few or too many arguments, of builtins, of sets with `__functor`.

use super::frame::Frame;
use super::link::Linked;
use super::machine::Vm;
use super::run::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Value, ValueType};
use crate::source::Pos;
use crate::symbol::Symbol;

/// A parameter of a lambda.
pub struct Parameter<'a> {
    /// The name of the whole argument, if it has one.
    pub name: Option<Symbol>,
    /// Its formals, if it has any.
    pub formals: Option<&'a crate::bytecode::FormalsSpec>,
}

impl Vm {
    /// Applies `function`, a thunk perhaps, to `args` for the frame on top.
    pub(crate) fn apply(&mut self, function: Value, args: &[Value], pos: Pos) -> Result<Flow> {
        let depth = self.depth();
        self.apply_at(function, args, depth, pos)
    }

    /// The same, at a known depth of calls.
    pub(super) fn apply_at(
        &mut self,
        function: Value,
        args: &[Value],
        depth: u32,
        pos: Pos,
    ) -> Result<Flow> {
        let function = function.resolved();
        if !function.is_thunk() {
            return self.call_in_code(function, args, depth, pos);
        }
        self.push_apply(args, depth, pos);
        match self.force(function)? {
            Flow::Value(function) => self.apply_waiting(function),
            flow => Ok(flow),
        }
    }

    /// Pushes values that may themselves lie on the stack, which moves when it grows.
    #[inline(always)]
    pub(crate) fn extend_stack(&mut self, values: &[Value]) {
        if self.stack.capacity() - self.stack.len() < values.len() {
            let copy = values.to_vec();
            self.stack.extend_from_slice(&copy);
        } else {
            self.stack.extend_from_slice(values);
        }
    }

    fn push_apply(&mut self, args: &[Value], depth: u32, pos: Pos) {
        let base = self.stack.len() as u32;
        self.extend_stack(args);
        self.frames.push(Frame::Apply {
            base,
            count: args.len() as u32,
            depth,
            pos,
        });
    }

    /// Takes the [`Frame::Apply`] on top off, and applies `function` to what it holds.
    pub(super) fn apply_waiting(&mut self, function: Value) -> Result<Flow> {
        let Some(Frame::Apply {
            base,
            count,
            depth,
            pos,
        }) = self.frames.pop()
        else {
            unreachable!("an application is on top")
        };
        let args = self.stack[base as usize..(base + count) as usize].to_vec();
        self.stack.truncate(base as usize);
        self.call_in_code(function, &args, depth, pos)
    }

    /// Calls `function`, in weak head normal form.
    #[inline]
    pub(super) fn call_in_code(
        &mut self,
        function: Value,
        args: &[Value],
        depth: u32,
        pos: Pos,
    ) -> Result<Flow> {
        if let Some(closure) = function.as_closure() {
            let code = Linked::at(closure.code());
            let arity = usize::from(code.arity);
            if arity == args.len() {
                if depth >= self.limits.call_depth {
                    return Err(self.too_deep());
                }
                let base = self.stack.len();
                self.extend_stack(args);
                self.stack
                    .resize(base + usize::from(code.registers), Value::NULL);
                self.frames.push(Frame::Code(super::frame::CodeFrame {
                    code,
                    captured: Some(closure),
                    pc: 0,
                    base: base as u32,
                    depth: depth + 1,
                    dst: 0,
                    update: None,
                }));
                return Ok(Flow::Enter);
            }
            return self.call_unevenly(function, arity, args, depth, pos);
        }
        if let Some(builtin) = function.as_builtin() {
            let arity = self.host.arity(builtin);
            if arity == args.len() {
                return self.call_builtin(builtin, args, depth, pos);
            }
            return self.call_unevenly(function, arity, args, depth, pos);
        }
        self.call_other(function, args, depth, pos)
    }

    fn call_unevenly(
        &mut self,
        function: Value,
        arity: usize,
        args: &[Value],
        depth: u32,
        pos: Pos,
    ) -> Result<Flow> {
        if args.len() < arity {
            return Ok(Flow::Value(self.heap.partial(function, &[], args).value()));
        }
        let (now, later) = args.split_at(arity);
        self.call_and_go_on(function, now, later, depth, pos)
    }

    /// Calls with `now`, then calls the result with `later`.
    fn call_and_go_on(
        &mut self,
        function: Value,
        now: &[Value],
        later: &[Value],
        depth: u32,
        pos: Pos,
    ) -> Result<Flow> {
        let now = now.to_vec();
        self.push_apply(later, depth, pos);
        match self.call_in_code(function, &now, depth, pos)? {
            Flow::Value(function) => self.apply_waiting(function),
            flow => Ok(flow),
        }
    }

    #[inline(never)]
    fn call_other(
        &mut self,
        function: Value,
        args: &[Value],
        depth: u32,
        pos: Pos,
    ) -> Result<Flow> {
        if let Some(partial) = function.as_partial() {
            let all = [partial.args(), args].concat();
            let arity = self.function_arity(partial.function());
            if all.len() < arity {
                return Ok(Flow::Value(
                    self.heap.partial(partial.function(), &all, &[]).value(),
                ));
            }
            return self.call_in_code(partial.function(), &all, depth, pos);
        }
        if let Some(attrs) = function.as_attrs()
            && let Some(functor) = attrs.get(self.names.functor)
        {
            if depth >= self.limits.call_depth {
                return Err(self.too_deep());
            }
            let all = [&[function], args].concat();
            return self.apply_at(functor, &all, depth + 1, pos);
        }
        debug_assert!(
            function.value_type() != ValueType::Thunk,
            "callees are evaluated"
        );
        let found = super::messages::describe(self, function);
        Err(Error::new(
            ErrorKind::Type,
            format!("attempt to call something which is not a function but {found}"),
        ))
    }

    /// How many arguments a closure or builtin takes before it runs.
    pub(super) fn function_arity(&self, function: Value) -> usize {
        if let Some(closure) = function.as_closure() {
            return usize::from(Linked::at(closure.code()).arity);
        }
        function
            .as_builtin()
            .map_or(0, |builtin| self.host.arity(builtin))
    }

    /// The name that a lambda was bound to, and where the lambda of its next parameter stands.
    pub fn lambda_origin(&self, function: Value) -> (Option<Symbol>, Pos) {
        let (function, held) = Self::with_held(function);
        match function.as_closure() {
            Some(closure) => {
                let code = Linked::at(closure.code());
                let pos = code
                    .parameters
                    .get(held)
                    .map_or(code.pos, |parameter| parameter.1);
                (if held == 0 { code.name } else { None }, pos)
            }
            None => (None, Pos::NONE),
        }
    }

    /// The next parameter of a lambda.
    pub fn parameter(&self, function: Value) -> Option<Parameter<'static>> {
        let (inner, held) = Self::with_held(function);
        let code = Linked::at(inner.as_closure()?.code());
        Some(Parameter {
            name: code.parameters.get(held)?.0,
            formals: self.next_formals(function),
        })
    }

    /// A function without the arguments that it holds, and how many those are.
    fn with_held(function: Value) -> (Value, usize) {
        match function.as_partial() {
            Some(partial) => (partial.function(), partial.args().len()),
            None => (function, 0),
        }
    }

    /// The formals that the next argument of a function is matched against: a lambda's own, also under a partial application.
    pub fn next_formals(&self, function: Value) -> Option<&'static crate::bytecode::FormalsSpec> {
        let (function, held) = Self::with_held(function);
        Linked::at(function.as_closure()?.code()).formals_of(held)
    }
}
