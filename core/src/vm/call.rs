//! Calls: of closures with just enough, too few or too many arguments, of builtins, of sets with `__functor`.

use super::drive::Flow;
use super::frame::{CodeFrame, CodeKindByte, Frame};
use super::link::Linked;
use super::machine::Vm;
use crate::error::{Error, ErrorKind};
use crate::heap::{Captured, Partial, Thunk, Value, ValueType, copy_values_down};
use crate::source::Pos;
use crate::symbol::Symbol;
use piton_plugin_api::hint::cold_path;
use std::mem::MaybeUninit;

/// A parameter of a lambda.
pub struct Parameter {
    /// The name of the whole argument, if it has one.
    pub name: Option<Symbol>,
    /// Its formals, if it has any.
    pub formals: Option<crate::bytecode::FormalsSpec>,
}

/// Most calls have no more arguments.
const FEW: usize = 6;

/// Where the arguments of a call are: on the stack, perhaps, which moves when it grows. So this is no slice: what a slice refers to
/// does not change while a function has it, the compiler relies on that and reads from where it was. Whoever is passed one copies
/// the values before it lets the stack change, or asks [`Vm::grow_stack`] where they have gone.
#[derive(Clone, Copy)]
pub(crate) struct Passed {
    start: *const Value,
    len: usize,
}

impl Passed {
    /// Arguments that are not on the stack.
    pub(crate) fn of(values: &[Value]) -> Self {
        Passed {
            start: values.as_ptr(),
            len: values.len(),
        }
    }

    /// # Safety
    /// There are `len` values at `start`, until they are copied.
    #[inline(always)]
    pub(super) unsafe fn at(start: *const Value, len: usize) -> Self {
        Passed { start, len }
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn get(self, index: usize) -> Value {
        debug_assert!(index < self.len, "an argument that was passed");
        // SAFETY: see `at`, and the type's contract.
        unsafe { *self.start.add(index) }
    }

    /// # Safety
    /// Where the values are does not change while the slice lives; see the type.
    unsafe fn as_slice<'a>(self) -> &'a [Value] {
        // SAFETY: the caller's promise; as many are there.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Calls `go_on` with a copy of the values, for as long as that takes.
    #[inline(always)]
    pub(super) fn copied<R>(self, go_on: impl FnOnce(Passed) -> R) -> R {
        self.copied_behind(Passed::of(&[]), go_on)
    }

    /// The same of some other values, and these behind them.
    #[inline(always)]
    fn copied_behind<R>(self, first: Passed, go_on: impl FnOnce(Passed) -> R) -> R {
        let len = first.len + self.len;
        // A function that returned the copy would copy it once more.
        let mut few = [const { MaybeUninit::<Value>::uninit() }; FEW];
        let mut many = Vec::new();
        let start: *mut Value = if len <= FEW {
            few.as_mut_ptr().cast()
        } else {
            cold_path();
            many.resize(len, Value::NULL);
            many.as_mut_ptr()
        };
        // SAFETY: there is room for so many, and as many are there.
        unsafe {
            copy_values_down(first.start, start, first.len);
            copy_values_down(self.start, start.add(first.len), self.len);
        }
        go_on(Passed { start, len })
    }

    /// The first `len`, and the others.
    fn split_at(self, len: usize) -> (Self, Self) {
        assert!(len <= self.len, "so many were passed");
        // SAFETY: within what was passed.
        unsafe {
            (
                Passed::at(self.start, len),
                Passed::at(self.start.add(len), self.len - len),
            )
        }
    }
}

/// Registers are set to null in steps of so many, so that as many behind the last one may be written, too.
const FILL: usize = 4;

/// Copies arguments to registers, which may overlap with them from below.
///
/// # Safety
/// `count` values can be read at `from` and written at `to`.
#[inline(always)]
unsafe fn copy_arguments(from: *const Value, to: *mut Value, count: usize) {
    // SAFETY: the caller's promise. Most calls have one or two arguments: a loop would cost more than they do.
    unsafe {
        if count == 0 {
            cold_path();
            return;
        }
        *to = *from;
        if count > 1 {
            cold_path();
            *to.add(1) = *from.add(1);
            if count > 2 {
                copy_values_down(from.add(2), to.add(2), count - 2);
            }
        }
    }
}

/// Sets the values `from..to` at `start` to null, and up to [`FILL`] behind.
///
/// # Safety
/// `from` is at most `to`, and all of these can be written.
#[inline(always)]
unsafe fn fill_with_null(start: *mut Value, from: usize, to: usize) {
    // SAFETY: the caller's promise. Most bodies have few registers, and a loop would be unrolled for many.
    unsafe {
        fill_one(start.add(from));
        if from + FILL < to {
            cold_path();
            fill_one(start.add(from + FILL));
            if from + 2 * FILL < to {
                fill_rest(start, from + 2 * FILL, to);
            }
        }
    }
}

/// # Safety
/// As of [`fill_with_null`].
#[inline(never)]
unsafe fn fill_rest(start: *mut Value, mut from: usize, to: usize) {
    while from < to {
        // SAFETY: the caller's promise.
        unsafe { fill_one(start.add(from)) };
        from += FILL;
    }
}

/// # Safety
/// [`FILL`] values can be written at `at`.
#[inline(always)]
unsafe fn fill_one(at: *mut Value) {
    // SAFETY: the caller's promise.
    unsafe { at.cast::<[Value; FILL]>().write([Value::NULL; FILL]) };
}

/// By how much a stack grows: to twice its length, but near the limit in steps, at each of which it is looked at.
fn growth(len: usize, room: usize) -> usize {
    len.min(room / 2).max(len / 64).max(64)
}

impl Vm {
    /// Applies `function`, a thunk perhaps, to `args` for the frame on top, at no place of the program.
    pub(crate) fn apply(&mut self, function: Value, args: &[Value]) -> Flow {
        let depth = self.depth();
        self.apply_at(function, Passed::of(args), depth, Pos::NONE)
    }

    /// The same, at a known depth of calls and place.
    pub(crate) fn apply_at(&mut self, function: Value, args: Passed, depth: u32, pos: Pos) -> Flow {
        let function = function.resolved();
        if !function.is_thunk() {
            return self.call_in_code(function, args, depth, pos);
        }
        self.push_apply(args, depth, pos);
        match self.force(function) {
            Flow::Value(function) => self.apply_waiting(function),
            flow => flow,
        }
    }

    /// Pushes values that may themselves lie on the stack.
    #[inline(always)]
    pub(crate) fn extend_stack(&mut self, values: Passed) {
        let mut start = values.start;
        if !self.stack.has_room(values.len) {
            start = self.grow_stack(values.len, start);
        }
        // SAFETY: there is room behind the last, and that many values are at `start`.
        unsafe {
            let end = self.stack.end();
            copy_values_down(start, end, values.len);
            self.stack.set_end(end.add(values.len));
        }
    }

    /// Enters `function` if it is a closure that takes just these arguments, and the limit of calls allows it.
    #[inline(always)]
    pub(crate) fn call_closure(&mut self, function: Value, args: Passed, depth: u32) -> bool {
        let Some(closure) = function.as_closure() else {
            return false;
        };
        let code = Linked::at(closure.code());
        if usize::from(code.arity) != args.len() || !self.may_call(depth) {
            return false;
        }
        self.push_call(code, closure, None, depth + 1, args.start, args.len);
        true
    }

    /// Whether a call at this depth stays within the limit.
    #[inline(always)]
    pub(super) fn may_call(&self, depth: u32) -> bool {
        let may = depth < self.limits.call_depth;
        if !may {
            cold_path();
        }
        may
    }

    /// Pushes a frame that runs `code` with the `count` arguments at `args`, which may lie on the stack. Answers it and its registers.
    #[inline(always)]
    pub(super) fn push_call(
        &mut self,
        code: &'static Linked,
        captured: Captured,
        update: Option<Thunk>,
        depth: u32,
        mut args: *const Value,
        count: usize,
    ) -> (*mut CodeFrame, *mut Value) {
        if !code.is_linked() {
            self.link_body(code);
        }
        let base = self.stack.len();
        let registers = usize::from(code.registers());
        debug_assert!(count <= registers, "arguments are registers");
        if !self.stack.has_room(registers + FILL) {
            args = self.grow_stack(registers + FILL, args);
        }
        let start = self.stack.end();
        // SAFETY: there is room for the registers and `FILL` more; callers pass `count` values.
        unsafe {
            copy_arguments(args, start, count);
            fill_with_null(start, count, registers);
            self.stack.set_end(start.add(registers));
        }
        if !self.frames.has_room(1) {
            self.grow_frames();
        }
        // SAFETY: there is room for one more. Written in place, as `push_frame` does: by way of that, calls take a sixth longer.
        unsafe {
            let slot = self.frames.end();
            slot.write(Frame::Code(CodeFrame {
                code,
                captured,
                ip: code.start(),
                base: base as u32,
                depth,
                dst: 0,
                counted: false,
                tail: Pos::NONE,
                update,
                _kind: CodeKindByte::Code,
            }));
            self.frames.set_end(slot.add(1));
            match &mut *slot {
                Frame::Code(frame) => (frame, start),
                _ => std::hint::unreachable_unchecked(),
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn grow_frames(&mut self) {
        let len = self.frames.len();
        let wanted = growth(len, self.room_for_stacks() / size_of::<Frame>());
        self.frames.reserve(wanted);
    }

    /// How many bytes the stacks of frames and values may grow within the limit of memory. Where that is none, the safepoint that comes
    /// next looks whether it is passed.
    pub(crate) fn room_for_stacks(&mut self) -> usize {
        let room = self.heap.room_beside(self.stack_bytes());
        if room == 0 {
            self.heap.collect_soon();
        }
        room
    }

    /// Lets the code frame on top, at `frame`, run `code` with the arguments at `args`, in its registers, as many as `code` takes. Answers
    /// where the registers are now.
    ///
    /// # Safety
    /// `frame` is the code frame on top.
    #[inline(always)]
    pub(super) unsafe fn replace_call(
        &mut self,
        frame: *mut CodeFrame,
        code: &'static Linked,
        captured: Captured,
        mut args: *const Value,
        pos: Pos,
    ) -> *mut Value {
        if !code.is_linked() {
            self.link_body(code);
        }
        let (registers, count) = (usize::from(code.registers()), usize::from(code.arity));
        // What it has now counts for nothing: the stack ends behind it.
        if !self.stack.has_room(registers + FILL) {
            args = self.grow_stack(registers + FILL, args);
        }
        // SAFETY: the caller's promise; as in `push_call`; the arguments lie behind the registers that they are moved to, or not on the
        // stack.
        unsafe {
            let start = self.stack.as_mut_ptr().add((*frame).base as usize);
            copy_arguments(args, start, count);
            fill_with_null(start, count, registers);
            self.stack.set_end(start.add(registers));
            (*frame).code = code;
            (*frame).captured = captured;
            (*frame).ip = code.start();
            (*frame).counted = false;
            (*frame).tail = pos;
            (*frame).depth += 1;
            start
        }
    }

    /// What a partial application runs with `count` more arguments, if it is a closure that takes just these, and the limit of calls
    /// allows it.
    #[inline(always)]
    pub(super) fn completed(
        &self,
        partial: Partial,
        count: u16,
        depth: u32,
    ) -> Option<(&'static Linked, Captured)> {
        let closure = partial.function().as_closure()?;
        let code = Linked::at(closure.code());
        let all = partial.args().len() + usize::from(count);
        (usize::from(code.arity) == all && self.may_call(depth)).then_some((code, closure))
    }

    /// Does what [`Vm::push_call`] does, with the arguments that a partial application holds before the others.
    #[inline(never)]
    pub(super) fn push_completed(
        &mut self,
        code: &'static Linked,
        closure: Captured,
        partial: Partial,
        args: Passed,
        depth: u32,
    ) -> (*mut CodeFrame, *mut Value) {
        args.copied_behind(Passed::of(partial.args()), |all| {
            self.push_call(code, closure, None, depth, all.start, all.len)
        })
    }

    /// Does what [`Vm::replace_call`] does, with the arguments that a partial application holds before the others.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    pub(super) unsafe fn replace_completed(
        &mut self,
        frame: *mut CodeFrame,
        code: &'static Linked,
        closure: Captured,
        partial: Partial,
        args: Passed,
        pos: Pos,
    ) -> *mut Value {
        args.copied_behind(Passed::of(partial.args()), |all| {
            // SAFETY: the caller's promise.
            unsafe { self.replace_call(frame, code, closure, all.start, pos) }
        })
    }

    /// Makes room for `additional` values; answers where `args` are now, which may lie on the stack.
    #[cold]
    #[inline(never)]
    fn grow_stack(&mut self, additional: usize, args: *const Value) -> *const Value {
        let range = self.stack.as_ptr_range();
        let on_stack = range.contains(&args);
        let offset = (args as usize).wrapping_sub(range.start as usize) / size_of::<Value>();
        let len = self.stack.len();
        let wanted = growth(len, self.room_for_stacks() / size_of::<Value>());
        self.stack.reserve(wanted.max(additional));
        if on_stack {
            // SAFETY: the offset is within the stack, as it was before.
            unsafe { self.stack.as_ptr().add(offset) }
        } else {
            args
        }
    }

    fn push_apply(&mut self, args: Passed, depth: u32, pos: Pos) {
        let base = self.stack.len() as u32;
        self.extend_stack(args);
        self.push_frame(|| Frame::Apply {
            base,
            count: args.len() as u32,
            depth,
            pos,
        });
    }

    /// Takes the [`Frame::Apply`] on top off, and applies `function` to what it holds.
    pub(super) fn apply_waiting(&mut self, function: Value) -> Flow {
        let Some(&Frame::Apply {
            base,
            count,
            depth,
            pos,
        }) = self.frames.last()
        else {
            unreachable!("an application is on top")
        };
        self.pop_frame();
        // The call of a builtin stands nowhere.
        let stands = !matches!(self.frames.last(), Some(Frame::Generator(_)));
        let args = Passed::of(&self.stack[base as usize..(base + count) as usize]);
        let flow = args.copied(|args| {
            self.stack.truncate(base as usize);
            self.call_in_code(function, args, depth, pos)
        });
        match flow {
            Flow::Failed(error) if stands => Flow::Failed(error.at(pos)),
            flow => {
                if stands {
                    self.called_at(&flow, pos);
                }
                flow
            }
        }
    }

    /// Calls `function`, in weak head normal form.
    #[inline]
    pub(super) fn call_in_code(
        &mut self,
        function: Value,
        args: Passed,
        depth: u32,
        pos: Pos,
    ) -> Flow {
        if let Some(closure) = function.as_closure() {
            if self.call_closure(function, args, depth) {
                return Flow::Enter;
            }
            let arity = usize::from(Linked::at(closure.code()).arity);
            if arity == args.len() {
                return Flow::Failed(self.too_deep().at(pos));
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
        args: Passed,
        depth: u32,
        pos: Pos,
    ) -> Flow {
        if args.len() < arity {
            // SAFETY: the stack stays as it is while the heap allocates.
            let args = unsafe { args.as_slice() };
            return Flow::Value(self.heap.partial(function, &[], args).value());
        }
        let (now, later) = args.split_at(arity);
        self.call_and_go_on(function, now, later, depth, pos)
    }

    /// Calls with `now`, then calls the result with `later`.
    fn call_and_go_on(
        &mut self,
        function: Value,
        now: Passed,
        later: Passed,
        depth: u32,
        pos: Pos,
    ) -> Flow {
        now.copied(|now| {
            self.push_apply(later, depth, pos);
            match self.call_in_code(function, now, depth, pos) {
                Flow::Value(function) => self.apply_waiting(function),
                flow => flow,
            }
        })
    }

    #[inline(never)]
    fn call_other(&mut self, function: Value, args: Passed, depth: u32, pos: Pos) -> Flow {
        if let Some(partial) = function.as_partial() {
            let arity = self.function_arity(partial.function());
            if partial.args().len() + args.len() < arity {
                // SAFETY: the stack stays as it is while the heap allocates.
                let args = unsafe { args.as_slice() };
                let more = self.heap.partial(partial.function(), partial.args(), args);
                return Flow::Value(more.value());
            }
            return args.copied_behind(Passed::of(partial.args()), |all| {
                self.call_in_code(partial.function(), all, depth, pos)
            });
        }
        if let Some(attrs) = function.as_attrs()
            && let Some((functor, at)) = attrs.get_with_pos(self.names.functor)
        {
            if depth >= self.limits.call_depth {
                return Flow::Failed(self.too_deep().at(pos));
            }
            // It takes the set and one argument; what that comes to takes the others.
            let (now, later) = args.split_at(1);
            return now.copied_behind(Passed::of(&[function]), |all| {
                if later.len() > 0 {
                    self.push_apply(later, depth, pos);
                }
                self.push_frame(|| Frame::Functor { at, pos });
                match self.apply_at(functor, all, depth + 1, at) {
                    Flow::Value(result) => {
                        self.pop_frame();
                        match later.len() {
                            0 => Flow::Value(result),
                            _ => self.apply_waiting(result),
                        }
                    }
                    Flow::Failed(error) => Flow::Failed(error.at(at)),
                    flow => flow,
                }
            });
        }
        debug_assert!(
            function.value_type() != ValueType::Thunk,
            "callees are evaluated"
        );
        let found = super::messages::describe(self, function);
        let text = format!("attempt to call something which is not a function but {found}");
        Flow::Failed(Error::new(ErrorKind::Type, text))
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
                let signature = code.signature();
                let pos = signature
                    .parameters
                    .get(held)
                    .map_or(code.pos, |parameter| parameter.1);
                (code.name, pos)
            }
            None => (None, Pos::NONE),
        }
    }

    /// The next parameter of a lambda.
    pub fn parameter(&self, function: Value) -> Option<Parameter> {
        let (inner, held) = Self::with_held(function);
        let code = Linked::at(inner.as_closure()?.code());
        Some(Parameter {
            name: code.signature().parameters.get(held)?.0,
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
    pub fn next_formals(&self, function: Value) -> Option<crate::bytecode::FormalsSpec> {
        let (function, held) = Self::with_held(function);
        Linked::at(function.as_closure()?.code()).formals_of(held)
    }
}
