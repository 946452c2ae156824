//! Errors on their way out: frames are taken down one by one, thunks that were running are put back as they were, and
//! what each frame knows of the place becomes a line of the trace.

use super::coerce::{Coerce, Coercion};
use super::drive::Flow;
use super::frame::{CodeFrame, Frame};
use super::link::Linked;
use super::machine::Vm;
use super::task::{Step, Task};
use crate::bytecode::{CodeKind, Instruction, Op, OperandOf, OperandUse};
use crate::error::{Error, Rank, Result, Trace};
use crate::heap::{Marker, Thunk, ThunkState, Value};
use crate::source::{Origin, Pos};
use crate::symbol::Symbol;

/// Steps of a trace that are kept: no trace of a million calls is ever read.
pub(super) const MAX_TRACES: usize = 100_000;

/// How a frame came to be on the one below it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// A thunk is forced, and the instruction that wants its value runs again then. So it is with the frame that failed itself.
    Forced,
    /// A lambda was called.
    Lambda,
    /// Something else was begun that takes a while: a builtin, a comparison.
    Other,
}

impl Came {
    /// The same through a frame that the one below has begun.
    fn through(self) -> Self {
        match self {
            Came::Lambda => Came::Lambda,
            Came::Forced | Came::Other => Came::Other,
        }
    }
}

impl Vm {
    /// Whether a place lies in a text of the evaluator itself, of which nobody needs to know every attribute.
    fn is_internal(&self, pos: Pos) -> bool {
        let file = self.sources.file(pos);
        file.is_some_and(|file| file.origin == Origin::Internal)
    }

    /// Takes frames down until one catches the error, or the caller of the VM gets it.
    pub(super) fn unwind(&mut self, mut error: Error) -> Result<Flow> {
        if self.heap.is_exhausted() {
            // Something was not made that there was no room for: what failed failed for want of it.
            error = self.out_of_memory();
        }
        // What has no memory left is not to take more of it for its trace.
        let most = match self.is_out_of_memory() {
            true => MAX_TRACES / 100,
            false => MAX_TRACES,
        };
        // How the frame just taken down came to be on the next one.
        let mut came = Came::Forced;
        while let Some(frame) = self.frames.pop() {
            // Only a task that has forced the thunk may still need to tell where its function stands.
            if !matches!(frame, Frame::Task(_)) {
                error.applied = None;
            }
            let is_told = !self.is_caught(&error) && error.traces.len() < most;
            match frame {
                Frame::Code(frame) => {
                    if is_told {
                        error = self.tell_code(error, &frame, came);
                    }
                    came = match (frame.code().kind, frame.update) {
                        (CodeKind::Lambda, None) => Came::Lambda,
                        // What a thunk ended with was called there: whoever waits for the thunk has not called it.
                        _ => Came::Forced,
                    };
                    if let Some(thunk) = frame.update {
                        self.failed_thunk(thunk, &mut error, is_told);
                    }
                    self.stack.truncate(frame.base as usize);
                }
                Frame::Update(thunk) => {
                    came = Came::Forced;
                    self.failed_thunk(thunk, &mut error, is_told);
                }
                Frame::Apply { base, .. } => {
                    came = came.through();
                    self.stack.truncate(base as usize);
                }
                Frame::Arguments {
                    builtin,
                    base,
                    next,
                    pos,
                    ..
                } => {
                    came = Came::Other;
                    self.argument_step(&mut error, builtin, next as usize);
                    self.builtin_trace(&mut error, builtin, pos);
                    self.stack.truncate(base as usize);
                }
                Frame::Generator(frame) => {
                    came = Came::Other;
                    if !std::mem::take(&mut error.builtin_told) {
                        self.tell_argument_of(&mut error, &frame);
                        self.builtin_trace(&mut error, frame.builtin, frame.depth_pos.1);
                    }
                    self.drop_generator(&frame);
                }
                Frame::Explained(text) => {
                    let explanation = || Explanation {
                        text: Some(text),
                        error: Some(error),
                    };
                    match self.push_task(explanation) {
                        Flow::Failed(next) => error = next,
                        flow => return Ok(flow),
                    }
                }
                Frame::Functor { at, pos } => {
                    if came == Came::Lambda {
                        error = called(error, at);
                    }
                    came = Came::Other;
                    const STEP: &str =
                        "while calling a functor (an attribute set with a '__functor' attribute)";
                    push(&mut error, pos, STEP.to_owned());
                }
                Frame::Task(mut task) => {
                    // The lambda that an operator's coercion calls stands where the operator does.
                    came = came.through();
                    match task.fail(self, error) {
                        Ok(value) => return Ok(Flow::Value(value)),
                        Err(next) => error = next,
                    }
                }
                Frame::Loaded(path) => {
                    self.loading.remove(&path);
                }
                Frame::Stop => return Err(error),
            }
        }
        Err(error)
    }

    /// Whether a `tryEval` further down drops this error, so that nobody will see its trace.
    pub(super) fn is_caught(&self, error: &Error) -> bool {
        self.catching > 0 && error.kind.is_catchable()
    }

    /// Adds what a code frame knows of the way of an error.
    fn tell_code(&self, mut error: Error, frame: &CodeFrame, came: Came) -> Error {
        let code = frame.code();
        // A frame that made a call goes on behind it, any other with the instruction that waits or failed.
        let is_forced = came == Came::Forced;
        let at = frame.pc().saturating_sub(usize::from(!is_forced));
        let here = code.position(at);
        if came == Came::Lambda {
            error = called(error, here);
        }
        if is_forced && let Some((builtin, argument)) = self.waiting_builtin(frame) {
            self.argument_step(&mut error, builtin, argument);
            self.builtin_trace(&mut error, builtin, here);
        }
        if is_forced
            && let Some(instruction) = code.instruction(at)
            && let Some(usage) = waiting_operand(instruction, frame.dst)
        {
            let pos = match usage {
                OperandUse::UpdateLeft | OperandUse::UpdateRight => {
                    code.operand_position(at, usage)
                }
                _ => here,
            };
            operand_step(&mut error, usage, pos);
        }
        if is_forced {
            negation_step(&mut error, code, at);
        }
        for operand in code.operands() {
            if (operand.start..operand.end).contains(&(at as u32)) {
                let pos = code.position(operand.at as usize);
                match operand.of {
                    OperandOf::Builtin(builtin) => {
                        if let Some(first) = self.host.first_strict(builtin) {
                            self.argument_step(&mut error, builtin, first);
                        }
                        self.builtin_trace(&mut error, builtin, pos);
                    }
                    OperandOf::Operator(usage) => {
                        operand_step(&mut error, usage, pos);
                        negation_step(&mut error, code, operand.at as usize);
                    }
                    OperandOf::Placed(usage, pos) => operand_step(&mut error, usage, pos),
                }
            }
        }
        if code.kind == CodeKind::Lambda {
            if !error.not_entered {
                let name = code.name.map_or_else(
                    || "anonymous lambda".to_owned(),
                    |name| format!("'{}'", self.interner.display(name)),
                );
                let text = format!("while calling {name}");
                push_as(&mut error, code.innermost(), text, Rank::Call);
            }
            if frame.tail.is_some() {
                error = called(error, frame.tail);
            }
            error.applied = frame.update.is_some_and(applies_to_one).then_some(code.pos);
        }
        error
    }

    /// A thunk that was running has failed: it is as it was before, and if an attribute is bound to it, that is a step.
    fn failed_thunk(&self, thunk: Thunk, error: &mut Error, is_told: bool) {
        // The code that ran last may be that of a function which it has called in its place.
        if is_told && thunk.state() == ThunkState::Running {
            let code = Linked::at(thunk.captured().code());
            if let CodeKind::Binding(name) = code.kind
                && !self.is_internal(code.pos)
                && !self.takes_no_attribute()
            {
                push(error, code.pos, self.attribute_step(name));
            }
        }
        thunk.reset();
    }

    /// Whether what waits for a value asks for it in a way of which Nix does not tell that it is an attribute's.
    fn takes_no_attribute(&self) -> bool {
        match &self.frames[..] {
            [.., Frame::Code(frame)] => {
                let instruction = frame.code().instruction(frame.pc());
                instruction.is_some_and(|instruction| {
                    matches!(instruction.op, Op::HasAttr | Op::HasAttrDynamic)
                        && instruction.b == frame.dst
                })
            }
            [.., Frame::Functor { .. }, Frame::Apply { .. }] => true,
            [.., Frame::Task(task)] => task.takes_no_attribute(),
            _ => false,
        }
    }

    /// The step that the evaluation of an attribute is.
    pub(super) fn attribute_step(&self, name: Symbol) -> String {
        let name = crate::syntax::symbol_text(&self.interner, name);
        format!("while evaluating the attribute '{name}'")
    }

    /// The builtin whose call a code frame is at, if it is an argument of that call which it waits for, and which one that is.
    fn waiting_builtin(&self, frame: &CodeFrame) -> Option<(u32, usize)> {
        let instruction = frame.code().instruction(frame.pc())?;
        if !matches!(instruction.op, Op::Call | Op::TailCall) {
            return None;
        }
        let arguments = instruction.b + 1..=instruction.b + instruction.c;
        if !arguments.contains(&frame.dst) {
            return None;
        }
        let callee = frame.base as usize + usize::from(instruction.b);
        let builtin = self.stack.get(callee)?.as_builtin()?;
        Some((builtin, usize::from(frame.dst - instruction.b - 1)))
    }

    /// The step that an argument of a builtin is which is evaluated before that starts, or is of a wrong type.
    fn argument_step(&self, error: &mut Error, builtin: u32, argument: usize) {
        let is_wrong = std::mem::take(&mut error.found) != 0 && error.traces.is_empty();
        if !self.host.is_hidden(builtin)
            && (is_wrong || self.host.tells_argument(builtin, argument))
        {
            let text = self.host.argument_step(builtin, argument);
            push(error, Pos::NONE, text);
        }
    }

    /// The trace of a builtin that failed, and where it was called.
    pub(crate) fn builtin_trace(&self, error: &mut Error, builtin: u32, pos: Pos) {
        if self.host.is_hidden(builtin) {
            return;
        }
        let name = self.host.name(builtin);
        push(error, pos, format!("while calling the '{name}' builtin"));
        error.place_told = true;
    }
}

/// What an instruction needs the register for that it waits for.
fn waiting_operand(instruction: &Instruction, register: u16) -> Option<OperandUse> {
    let Instruction { op, x, a, b, c } = *instruction;
    let (usage, registers) = match op {
        Op::JumpIfFalse | Op::JumpIfTrue | Op::CheckBool => (OperandUse::of(x), [a, a]),
        Op::Not => (OperandUse::Not, [b, b]),
        Op::CheckUpdate => (OperandUse::UpdateRight, [a, a]),
        Op::Update if register == c => (OperandUse::UpdateRight, [c, c]),
        Op::Update => (OperandUse::UpdateLeft, [b, b]),
        Op::Negate | Op::SubInt => (OperandUse::Sub, [b, b]),
        Op::Sub => (OperandUse::Sub, [b, c]),
        Op::Mul => (OperandUse::Mul, [b, c]),
        Op::Div => (OperandUse::Div, [b, c]),
        Op::LessInt | Op::NotLessInt => (OperandUse::Less, [b, b]),
        Op::Less | Op::NotLess => (OperandUse::Less, [b, c]),
        _ => return None,
    };
    registers.contains(&register).then_some(usage)
}

fn operand_step(error: &mut Error, usage: OperandUse, pos: Pos) {
    push(error, pos, usage.step().to_owned());
    error.place_told |= usage.is_call();
}

/// `a <= b` is `!(b < a)` for Nix, and `a >= b` is `!(a < b)`: so is what the instruction at `pc` fails for.
fn negation_step(error: &mut Error, code: &Linked, pc: usize) {
    if let Some(instruction) = code.instruction(pc)
        && matches!(instruction.op, Op::NotLess | Op::NotLessInt)
    {
        operand_step(error, OperandUse::Not, code.position(pc));
    }
}

/// Says where the function was called that an error comes from.
pub(super) fn called(mut error: Error, pos: Pos) -> Error {
    let rank = match std::mem::take(&mut error.not_entered) {
        true => Rank::Step,
        false => Rank::Call,
    };
    push_as(&mut error, pos, "from call site".to_owned(), rank);
    match error.traces.len() {
        1 => error.at(pos),
        _ => error,
    }
}

/// Whether a thunk stands for a call of a function with one argument, as the elements of what `map` makes do.
fn applies_to_one(thunk: Thunk) -> bool {
    thunk.state() == ThunkState::ApplyRunning && thunk.application().1.len() == 1
}

pub(super) fn push(error: &mut Error, pos: Pos, text: String) {
    push_as(error, pos, text, Rank::Step);
}

fn push_as(error: &mut Error, pos: Pos, text: String, rank: Rank) {
    if error.traces.len() < MAX_TRACES {
        error.traces.push(Trace { pos, text, rank });
    }
}

/// `tryEval`: a thrown error or failed assertion becomes [`Value::UNSET`].
pub(crate) struct Catch {
    value: Option<Value>,
}

impl Catch {
    pub(crate) fn new(value: Value) -> Self {
        Catch { value: Some(value) }
    }
}

impl Task for Catch {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        match (value, self.value.take()) {
            (None, Some(value)) => {
                vm.catching += 1;
                Ok(Step::Force(value))
            }
            (value, _) => {
                vm.catching -= 1;
                Ok(Step::Done(value.unwrap_or(Value::NULL)))
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(self.value.as_slice());
    }

    fn fail(&mut self, vm: &mut Vm, error: Error) -> Result<Value> {
        vm.catching -= 1;
        if error.kind.is_catchable() {
            Ok(Value::UNSET)
        } else {
            Err(error)
        }
    }
}

/// The line that an error gains on its way through [`Frame::Explained`]. An error in that takes the place of the first one.
struct Explanation {
    text: Option<Value>,
    error: Option<Error>,
}

impl Task for Explanation {
    fn step(&mut self, _: &mut Vm, value: Option<Value>) -> Result<Step> {
        if let Some(text) = self.text.take() {
            let coercion = Coercion {
                more: false,
                copy_to_store: false,
            };
            return Ok(Step::push(|| Coerce::new(text, coercion)));
        }
        let text = value.unwrap_or(Value::NULL);
        match self.error.take() {
            Some(mut error) => {
                let text = text.as_string().unwrap_or_default();
                error.traces.push(Trace {
                    pos: Pos::NONE,
                    text: String::from_utf8_lossy(text).into_owned(),
                    rank: Rank::Context,
                });
                error.builtin_told = true;
                Err(error)
            }
            None => Ok(Step::Done(text)),
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(self.text.as_slice());
    }
}
