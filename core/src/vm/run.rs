//! The loop: runs the frame on top until it needs another one or has its value, then goes on with what is on top.

use super::frame::{CodeFrame, Frame, Load};
use super::link::Linked;
use super::machine::{Outcome, Vm};
use super::task::Step;
use crate::bytecode::{BoolUse, CaptureSource, Instruction, Op};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Captured, ThunkState, Value};
use crate::source::Pos;

/// How the loop goes on.
#[derive(Debug)]
pub(crate) enum Flow {
    /// A value for the frame on top.
    Value(Value),
    /// The frame on top has just been pushed: run it.
    Enter,
    /// The owner of the VM has to compile something first. Boxed, so that a flow fits in two registers.
    Load(Box<Load>),
}

impl Vm {
    /// Runs until the frame [`Frame::Stop`] has a value.
    pub(super) fn run(&mut self, mut flow: Flow) -> Result<Outcome> {
        loop {
            let step = match flow {
                Flow::Value(value) => {
                    if matches!(self.frames.last(), Some(Frame::Stop)) {
                        self.frames.pop();
                        if self.heap.is_exhausted() {
                            return Err(self.out_of_memory());
                        }
                        return Ok(Outcome::Value(value));
                    }
                    self.deliver(value)
                }
                Flow::Enter => self.run_code(),
                Flow::Load(load) => return Ok(Outcome::Load(*load)),
            };
            flow = match step {
                Ok(flow) => flow,
                Err(error) => self.unwind(error)?,
            };
        }
    }

    /// Hands a value to the frame on top, which is not [`Frame::Stop`].
    #[inline]
    fn deliver(&mut self, value: Value) -> Result<Flow> {
        match self.frames.last_mut() {
            Some(Frame::Code(frame)) => {
                let slot = frame.base as usize + usize::from(frame.dst);
                self.stack[slot] = value;
                self.run_code()
            }
            Some(Frame::Update(thunk)) => {
                thunk.finish(value);
                self.frames.pop();
                Ok(Flow::Value(value))
            }
            Some(Frame::Apply {
                base, count, pos, ..
            }) => {
                let (base, count, pos) = (*base as usize, *count as usize, *pos);
                self.frames.pop();
                let args = self.stack[base..base + count].to_vec();
                self.stack.truncate(base);
                self.apply(value, &args, pos)
            }
            Some(Frame::Arguments { base, next, .. }) => {
                let slot = (*base + *next) as usize;
                self.stack[slot] = value;
                self.continue_arguments()
            }
            Some(Frame::Generator(_)) => self.resume_generator(value),
            Some(Frame::Task(_)) => self.step_task(Some(value)),
            Some(Frame::Loaded(_)) => {
                if let Some(Frame::Loaded(path)) = self.frames.pop() {
                    self.loading.remove(&path);
                    self.imports.insert(path, value);
                }
                Ok(Flow::Value(value))
            }
            Some(Frame::Stop) | None => unreachable!("handled by the loop"),
        }
    }

    /// Steps the task on top until it is done or waits. A value that is answered is for the frame below it.
    pub(super) fn step_task(&mut self, mut value: Option<Value>) -> Result<Flow> {
        let floor = self.frames.len() - 1;
        loop {
            let Some(Frame::Task(mut task)) = self.frames.pop() else {
                unreachable!("a task is on top")
            };
            let step = task.step(self, value.take());
            if !matches!(step, Ok(Step::Done(_) | Step::Load(_))) {
                self.frames.push(Frame::Task(task));
            }
            let flow = match step? {
                Step::Done(result) if self.frames.len() == floor => return Ok(Flow::Value(result)),
                Step::Done(result) => Flow::Value(result),
                Step::Force(next) => self.force(next)?,
                Step::Call(function, args) => self.apply(function, &args, Pos::NONE)?,
                Step::Load(load) => return Ok(Flow::Load(Box::new(load))),
                Step::Push(next) => {
                    self.frames.push(Frame::Task(next));
                    continue;
                }
            };
            match flow {
                Flow::Value(result) => value = Some(result),
                flow => return Ok(flow),
            }
        }
    }

    /// Begins a task for the frame on top.
    pub(crate) fn push_task(&mut self, task: Box<dyn super::task::Task>) -> Result<Flow> {
        self.frames.push(Frame::Task(task));
        self.step_task(None)
    }

    /// Forces `value` for the frame on top: a value that is answered at once is for the frame that was on top, here and in
    /// all functions that answer a [`Flow`].
    #[inline]
    pub(crate) fn force(&mut self, value: Value) -> Result<Flow> {
        let depth = self.depth();
        self.force_at(value, depth)
    }

    /// The same, at a known depth of calls.
    #[inline]
    pub(super) fn force_at(&mut self, value: Value, depth: u32) -> Result<Flow> {
        match value.as_thunk() {
            None => Ok(Flow::Value(value)),
            Some(thunk) => match thunk.state() {
                ThunkState::Done => Ok(Flow::Value(value.resolved())),
                ThunkState::Suspended => {
                    thunk.begin();
                    let captured = thunk.captured();
                    self.push_code(
                        Linked::at(captured.code()),
                        Some(captured),
                        Some(thunk),
                        depth,
                    );
                    Ok(Flow::Enter)
                }
                ThunkState::Apply => {
                    thunk.begin();
                    let (function, args) = thunk.application();
                    // A closure that takes just these arguments updates the thunk itself; anything else needs a frame for that.
                    if let Some(closure) = function.as_closure()
                        && usize::from(Linked::at(closure.code()).arity) == args.len()
                    {
                        if depth >= self.limits.call_depth {
                            thunk.reset();
                            return Err(self.too_deep());
                        }
                        let code = Linked::at(closure.code());
                        let base = self.stack.len();
                        self.push_code(code, Some(closure), Some(thunk), depth + 1);
                        self.stack[base..base + args.len()].copy_from_slice(args);
                        return Ok(Flow::Enter);
                    }
                    self.frames.push(Frame::Update(thunk));
                    let flow = self.apply_at(function, args, depth, Pos::NONE)?;
                    if let Flow::Value(value) = flow {
                        thunk.finish(value);
                        self.frames.pop();
                    }
                    Ok(flow)
                }
                ThunkState::Running | ThunkState::ApplyRunning => Err(infinite_recursion()),
            },
        }
    }

    #[inline(always)]
    fn take_captures(
        source: &[CaptureSource],
        from: Option<Captured>,
        registers: *mut Value,
        into: Captured,
    ) {
        for (slot, source) in into.captures_mut().iter_mut().zip(source) {
            *slot = match source {
                CaptureSource::Register(register) => {
                    // SAFETY: the compiler names registers below the frame's count.
                    unsafe { *registers.add(usize::from(*register)) }.resolved()
                }
                CaptureSource::Capture(index) => match from {
                    Some(captured) => captured.capture(usize::from(*index)),
                    None => Value::NULL,
                },
            };
        }
    }

    /// Runs the code frame on top, and the code frames that it calls and returns to, until another kind of frame is on top
    /// or something is awaited that is no code.
    #[allow(clippy::too_many_lines)] // one loop, one match
    fn run_code(&mut self) -> Result<Flow> {
        'frame: loop {
            if self.heap.wants_collection() || self.frames.len() > self.max_frames {
                self.safepoint()?;
            }
            let Some(Frame::Code(frame)) = self.frames.last() else {
                unreachable!("a code frame is on top")
            };
            // SAFETY: linked code lives as long as the VM.
            let code: &Linked = unsafe { &*frame.code };
            let captured = frame.captured;
            let base = frame.base as usize;
            let depth = frame.depth;
            let mut pc = frame.pc as usize;
            debug_assert!(
                base + usize::from(code.registers) <= self.stack.len(),
                "the frame's registers are on the stack"
            );
            // The stack moves when it grows: what may push frames and yet go on here looks it up again (`relocate`).
            // SAFETY: `base` is within the stack.
            let mut registers = unsafe { self.stack.as_mut_ptr().add(base) };
            let instructions = code.instructions.as_ptr();

            macro_rules! register {
            ($index:expr) => {{
                debug_assert!(($index as usize) < usize::from(code.registers), "a register of this frame");
                // SAFETY: the compiler names registers below the frame's count, all of which are on the stack.
                unsafe { &mut *registers.add($index as usize) }
            }};
        }
            macro_rules! wait {
                ($pc:expr, $dst:expr) => {{
                    if let Some(Frame::Code(frame)) = self.frames.last_mut() {
                        frame.pc = $pc as u32;
                        frame.dst = $dst;
                    }
                }};
            }
            macro_rules! relocate {
                () => {
                    // SAFETY: as above.
                    registers = unsafe { self.stack.as_mut_ptr().add(base) }
                };
            }
            // Notes where an error happened before it leaves.
            macro_rules! attempt {
                ($result:expr) => {
                    match $result {
                        Ok(value) => value,
                        Err(error) => {
                            wait!(pc, 0);
                            return Err(error.at(code.position(pc)));
                        }
                    }
                };
            }
            // The value of a register, in weak head normal form; if it has to be evaluated first, the instruction runs again then.
            macro_rules! forced {
                ($index:expr) => {{
                    let value = *register!($index);
                    if value.is_thunk() {
                        let value = value.resolved();
                        if value.is_thunk() {
                            wait!(pc, $index);
                            match self.force_at(value, depth) {
                                Ok(Flow::Enter) => continue 'frame,
                                Ok(Flow::Value(value)) => {
                                    relocate!();
                                    *register!($index) = value;
                                    value
                                }
                                Ok(flow) => return Ok(flow),
                                Err(error) => return Err(error.at(code.position(pc))),
                            }
                        } else {
                            *register!($index) = value;
                            value
                        }
                    } else {
                        value
                    }
                }};
            }
            // What an operation that may need frames came to.
            macro_rules! finish {
                ($dst:expr, $flow:expr) => {{
                    match attempt!($flow) {
                        Flow::Value(value) => {
                            relocate!();
                            *register!($dst) = value;
                        }
                        Flow::Enter => continue 'frame,
                        flow => return Ok(flow),
                    }
                }};
            }

            loop {
                debug_assert!(pc < code.instructions.len(), "code ends with a return");
                // SAFETY: jumps stay within the code, and it ends with an instruction that leaves.
                let instruction: Instruction = unsafe { *instructions.add(pc) };
                let Instruction { op, x, a, b, c } = instruction;
                match op {
                    Op::Const => *register!(a) = code.constants[instruction.wide() as usize],
                    Op::Capture => {
                        *register!(a) = match captured {
                            Some(captured) => captured.capture(usize::from(b)),
                            None => Value::NULL,
                        }
                    }
                    Op::Move => *register!(a) = register!(b).resolved(),
                    Op::Force => {
                        forced!(a);
                    }
                    Op::Thunk | Op::Closure => {
                        let child = code.children[instruction.wide() as usize];
                        let linked = Linked::at(child as usize);
                        let object = if op == Op::Thunk {
                            self.heap.thunk(child as usize, linked.captures.len())
                        } else {
                            self.heap.closure(child as usize, linked.captures.len())
                        };
                        Self::take_captures(&linked.captures, captured, registers, object);
                        *register!(a) = if op == Op::Thunk {
                            object.thunk_value()
                        } else {
                            object.closure_value()
                        };
                    }
                    Op::NewThunk | Op::NewClosure => {
                        let child = code.children[instruction.wide() as usize];
                        let count = Linked::at(child as usize).captures.len();
                        *register!(a) = if op == Op::NewThunk {
                            self.heap.thunk(child as usize, count).thunk_value()
                        } else {
                            self.heap.closure(child as usize, count).closure_value()
                        };
                    }
                    Op::Fill => {
                        let linked =
                            Linked::at(code.children[instruction.wide() as usize] as usize);
                        let value = *register!(a);
                        let object = value
                            .as_closure()
                            .or_else(|| value.as_thunk().map(|thunk| thunk.captured()));
                        if let Some(object) = object {
                            Self::take_captures(&linked.captures, captured, registers, object);
                        }
                    }
                    Op::FillIfNew => {
                        let linked =
                            Linked::at(code.children[instruction.wide() as usize] as usize);
                        if let Some(thunk) = register!(a).as_thunk() {
                            Self::take_captures(
                                &linked.captures,
                                captured,
                                registers,
                                thunk.captured(),
                            );
                        }
                    }
                    Op::List => {
                        // SAFETY: `c` registers from `b` on belong to the frame.
                        let items = unsafe {
                            std::slice::from_raw_parts(
                                registers.add(usize::from(b)),
                                usize::from(c),
                            )
                        };
                        *register!(a) = self.heap.list_of(items).value();
                    }
                    Op::NewList => {
                        *register!(a) = self.heap.list(instruction.wide() as usize).value()
                    }
                    Op::SetItem => {
                        if let Some(list) = register!(a).as_list() {
                            list.items_mut()[instruction.wide() as usize] = *register!(a + 1);
                        }
                    }
                    Op::Attrs => {
                        let keys = code.shapes[usize::from(c)];
                        // SAFETY: as many registers as the shape has keys belong to the frame.
                        let values = unsafe {
                            std::slice::from_raw_parts(registers.add(usize::from(b)), keys.len())
                        };
                        *register!(a) = if values.is_empty() {
                            self.heap.attrs(keys).value()
                        } else {
                            self.heap.attrs_of(keys, values).value()
                        };
                    }
                    Op::NewAttrs => {
                        *register!(a) = self
                            .heap
                            .attrs(code.shapes[instruction.wide() as usize])
                            .value()
                    }
                    Op::SetAttr => {
                        if let Some(attrs) = register!(a).as_attrs() {
                            attrs.values_mut()[instruction.wide() as usize] = *register!(a + 1);
                        }
                    }
                    Op::DynamicAttr => {
                        let name = forced!(b);
                        let (set, value) = (*register!(a), *register!(c));
                        *register!(a) =
                            attempt!(self.add_dynamic(set, name, value, code.position(pc)));
                    }
                    Op::Select => {
                        let set = forced!(b);
                        let cache = &code.caches[usize::from(c)];
                        if let Some(attrs) = set.as_attrs() {
                            let keys = attrs.keys();
                            let seen = cache.get();
                            if seen.keys == keys.address() {
                                *register!(a) = attrs.values()[seen.index as usize];
                                pc += 1;
                                continue;
                            }
                            if let Some(index) = keys.index_of(code.selects[usize::from(c)]) {
                                cache.set(super::link::InlineCache {
                                    keys: keys.address(),
                                    index: index as u32,
                                });
                                *register!(a) = attrs.values()[index];
                                pc += 1;
                                continue;
                            }
                        }
                        attempt!(Err(
                            self.missing_attribute(set, code.selects[usize::from(c)])
                        ));
                    }
                    Op::SelectOr | Op::WithLookup => {
                        let set = forced!(b);
                        let found = match set.as_attrs() {
                            Some(attrs) => {
                                let keys = attrs.keys();
                                let cache = &code.caches[usize::from(c)];
                                let seen = cache.get();
                                if seen.keys == keys.address() {
                                    Some(attrs.values()[seen.index as usize])
                                } else {
                                    keys.index_of(code.selects[usize::from(c)]).map(|index| {
                                        cache.set(super::link::InlineCache {
                                            keys: keys.address(),
                                            index: index as u32,
                                        });
                                        attrs.values()[index]
                                    })
                                }
                            }
                            None if op == Op::WithLookup => attempt!(Err(self.not_a_set(set))),
                            None => None,
                        };
                        // `SelectOr` skips the jump that follows where it finds, `WithLookup` where it does not.
                        let skip = match found {
                            Some(value) => {
                                *register!(a) = value;
                                op == Op::SelectOr
                            }
                            None => op == Op::WithLookup,
                        };
                        if skip {
                            pc += 1;
                        }
                    }
                    Op::SelectAtHand => {
                        if let Some(attrs) = register!(b).resolved().as_attrs() {
                            let keys = attrs.keys();
                            let cache = &code.caches[usize::from(c)];
                            let seen = cache.get();
                            let index = if seen.keys == keys.address() {
                                Some(seen.index as usize)
                            } else {
                                let index = keys.index_of(code.selects[usize::from(c)]);
                                if let Some(index) = index {
                                    cache.set(super::link::InlineCache {
                                        keys: keys.address(),
                                        index: index as u32,
                                    });
                                }
                                index
                            };
                            if let Some(index) = index {
                                *register!(a) = attrs.values()[index];
                                pc += 1;
                            }
                        }
                    }
                    Op::AddAtHand | Op::SubAtHand => {
                        let (left, right) = (register!(b).resolved(), register!(c).resolved());
                        if let (Some(x), Some(y)) = (left.as_inline_int(), right.as_inline_int()) {
                            *register!(a) =
                                self.heap
                                    .int(if op == Op::AddAtHand { x + y } else { x - y });
                            pc += 1;
                        }
                    }
                    Op::HasAttr => {
                        let set = forced!(b);
                        let name = code.selects[usize::from(c)];
                        *register!(a) = Value::bool(
                            set.as_attrs()
                                .is_some_and(|attrs| attrs.keys().index_of(name).is_some()),
                        );
                    }
                    Op::SelectDynamic => {
                        let (set, name) = (forced!(b), forced!(c));
                        let symbol = attempt!(self.attribute_name(name));
                        match set.as_attrs().and_then(|attrs| attrs.get(symbol)) {
                            Some(value) => *register!(a) = value,
                            None => attempt!(Err(self.missing_attribute(set, symbol))),
                        }
                    }
                    Op::SelectDynamicOr => {
                        let (set, name) = (forced!(b), forced!(c));
                        let symbol = attempt!(self.attribute_name(name));
                        if let Some(value) = set.as_attrs().and_then(|attrs| attrs.get(symbol)) {
                            *register!(a) = value;
                            pc += 1;
                        }
                    }
                    Op::HasAttrDynamic => {
                        let (set, name) = (forced!(b), forced!(c));
                        let symbol = attempt!(self.attribute_name(name));
                        *register!(a) = Value::bool(
                            set.as_attrs()
                                .is_some_and(|attrs| attrs.get(symbol).is_some()),
                        );
                    }
                    Op::Undefined => {
                        let name = self.interner.display(code.selects[usize::from(c)]);
                        attempt!(Err(Error::new(
                            ErrorKind::UndefinedVariable,
                            format!("undefined variable '{name}'")
                        )));
                    }
                    Op::Call => {
                        let function = forced!(b);
                        // SAFETY: callee and arguments are registers of the frame.
                        let args = unsafe {
                            std::slice::from_raw_parts(
                                registers.add(usize::from(b) + 1),
                                usize::from(c),
                            )
                        };
                        wait!(pc + 1, a);
                        match self.call_in_code(function, args, depth, code.position(pc)) {
                            Ok(Flow::Value(value)) => {
                                relocate!();
                                *register!(a) = value;
                            }
                            Ok(Flow::Enter) => continue 'frame,
                            Ok(flow) => return Ok(flow),
                            Err(error) => {
                                wait!(pc, 0);
                                return Err(error.at(code.position(pc)));
                            }
                        }
                    }
                    Op::TailCall => {
                        let function = forced!(b);
                        // SAFETY: as in `Call`.
                        let args = unsafe {
                            std::slice::from_raw_parts(
                                registers.add(usize::from(b) + 1),
                                usize::from(c),
                            )
                        };
                        wait!(pc, 0);
                        match self.tail_call(function, args, base, code.position(pc)) {
                            Ok(Flow::Enter) => continue 'frame,
                            Ok(Flow::Value(value)) => match self.hand_to_code(value) {
                                true => continue 'frame,
                                false => return Ok(Flow::Value(value)),
                            },
                            Ok(flow) => return Ok(flow),
                            Err(error) => return Err(error.at(code.position(pc))),
                        }
                    }
                    Op::Jump => {
                        pc = instruction.wide() as usize;
                        continue;
                    }
                    Op::JumpIfFalse | Op::JumpIfTrue => {
                        let value = forced!(a);
                        let Some(test) = value.as_bool() else {
                            attempt!(Err(self.not_a_bool(
                                value,
                                BoolUse::describe(x),
                                code.position(pc)
                            )))
                        };
                        if test == (op == Op::JumpIfTrue) {
                            pc = instruction.wide() as usize;
                            continue;
                        }
                    }
                    Op::CheckBool => {
                        let value = forced!(a);
                        if value.as_bool().is_none() {
                            attempt!(Err(self.not_a_bool(
                                value,
                                BoolUse::describe(x),
                                code.position(pc)
                            )));
                        }
                    }
                    Op::AssertFailed => {
                        let text = code.constants[instruction.wide() as usize];
                        let text = String::from_utf8_lossy(text.as_string().unwrap_or_default())
                            .into_owned();
                        if x == 1 {
                            // A comparison and a jump stand before.
                            let places = [code.position(pc), code.position(pc - 2)];
                            let (left, right) = (*register!(a), *register!(a + 1));
                            if let Some(error) = self.inequality(left, right, &text, places) {
                                attempt!(Err(error));
                            }
                        }
                        attempt!(Err(Error::new(
                            ErrorKind::Assertion,
                            format!("assertion '{text}' failed")
                        )));
                    }
                    Op::Not => {
                        let value = forced!(b);
                        let Some(test) = value.as_bool() else {
                            attempt!(Err(self.not_a_bool(
                                value,
                                "in the argument of the not operator",
                                code.position(pc)
                            )))
                        };
                        *register!(a) = Value::bool(!test);
                    }
                    Op::Negate => {
                        let value = forced!(b);
                        *register!(a) = attempt!(self.negate(value));
                    }
                    Op::Add => {
                        let (left, right) = (forced!(b), forced!(c));
                        if let (Some(x), Some(y)) = (left.as_inline_int(), right.as_inline_int()) {
                            // Two 61-bit integers cannot overflow 64 bits.
                            *register!(a) = self.heap.int(x + y);
                        } else {
                            wait!(pc + 1, a);
                            finish!(a, self.add(left, right));
                        }
                    }
                    Op::Sub => {
                        let (left, right) = (forced!(b), forced!(c));
                        if let (Some(x), Some(y)) = (left.as_inline_int(), right.as_inline_int()) {
                            *register!(a) = self.heap.int(x - y);
                        } else {
                            *register!(a) = attempt!(self.subtract(left, right));
                        }
                    }
                    Op::Mul => {
                        let (left, right) = (forced!(b), forced!(c));
                        *register!(a) = attempt!(self.multiply(left, right));
                    }
                    Op::Div => {
                        let (left, right) = (forced!(b), forced!(c));
                        *register!(a) = attempt!(self.divide(left, right));
                    }
                    Op::Eq | Op::NotEq => {
                        let (left, right) = (forced!(b), forced!(c));
                        let wanted = op == Op::Eq;
                        match super::equality::shallow(left, right) {
                            Some(equal) => *register!(a) = Value::bool(equal == wanted),
                            None => {
                                wait!(pc + 1, a);
                                finish!(
                                    a,
                                    self.push_task(Box::new(super::equality::Equal::new(
                                        left, right, wanted
                                    )))
                                );
                            }
                        }
                    }
                    Op::Less | Op::NotLess => {
                        let (left, right) = (forced!(b), forced!(c));
                        let wanted = op == Op::Less;
                        match attempt!(self.less_shallow(left, right)) {
                            Some(less) => *register!(a) = Value::bool(less == wanted),
                            None => {
                                wait!(pc + 1, a);
                                finish!(
                                    a,
                                    self.push_task(Box::new(super::order::Less::new(
                                        left, right, wanted
                                    )))
                                );
                            }
                        }
                    }
                    Op::Update => {
                        let left = forced!(b);
                        let Some(left) = left.as_attrs() else {
                            attempt!(Err(self.not_a_set_in(
                                left,
                                "in the left operand of the update (//) operator",
                                code.position(pc)
                            )))
                        };
                        let right = forced!(c);
                        let Some(right) = right.as_attrs() else {
                            attempt!(Err(self.not_a_set_in(
                                right,
                                "in the right operand of the update (//) operator",
                                code.position(pc)
                            )))
                        };
                        *register!(a) = crate::value::update(&mut self.heap, left, right).value();
                    }
                    Op::Concat => {
                        let left = forced!(b);
                        let Some(left) = left.as_list() else {
                            attempt!(Err(self.not_a_list(left)))
                        };
                        let right = forced!(c);
                        let Some(right) = right.as_list() else {
                            attempt!(Err(self.not_a_list(right)))
                        };
                        *register!(a) = if left.is_empty() {
                            right.value()
                        } else if right.is_empty() {
                            left.value()
                        } else {
                            let list = self.heap.list(left.len() + right.len());
                            let (first, second) = list.items_mut().split_at_mut(left.len());
                            first.copy_from_slice(left.items());
                            second.copy_from_slice(right.items());
                            list.value()
                        };
                    }
                    Op::Interpolate => {
                        for part in b..b + c {
                            forced!(part);
                        }
                        // SAFETY: `c` registers from `b` on belong to the frame.
                        let parts = unsafe {
                            std::slice::from_raw_parts(
                                registers.add(usize::from(b)),
                                usize::from(c),
                            )
                        };
                        wait!(pc + 1, a);
                        finish!(a, self.interpolate(parts, x == 1));
                    }
                    Op::Formals => {
                        let argument = forced!(a);
                        let formals = &code.formals[usize::from(c)];
                        attempt!(self.match_formals(code, formals, argument, registers, b, x));
                    }
                    Op::ConstIfUnset => {
                        if *register!(a) == Value::UNSET {
                            *register!(a) = code.constants[instruction.wide() as usize];
                        }
                    }
                    Op::ThunkIfUnset => {
                        if *register!(a) == Value::UNSET {
                            let child = code.children[instruction.wide() as usize];
                            let thunk = self
                                .heap
                                .thunk(child as usize, Linked::at(child as usize).captures.len())
                                .thunk_value();
                            *register!(a) = thunk;
                            *register!(a + 1) = thunk;
                        } else {
                            *register!(a + 1) = Value::NULL;
                        }
                    }
                    Op::CurrentPosition => *register!(a) = self.position_value(code.position(pc)),
                    Op::Return => {
                        let value = register!(a).resolved();
                        if value.is_thunk() {
                            wait!(pc, a);
                            match self.return_thunk(value, base, depth) {
                                Ok(Flow::Enter) => continue 'frame,
                                Ok(Flow::Value(value)) => match self.hand_to_code(value) {
                                    true => continue 'frame,
                                    false => return Ok(Flow::Value(value)),
                                },
                                Ok(flow) => return Ok(flow),
                                Err(error) => return Err(error.at(code.position(pc))),
                            }
                        }
                        if let Some(Frame::Code(frame)) = self.frames.last()
                            && let Some(thunk) = frame.update
                        {
                            thunk.finish(value);
                        }
                        self.drop_code_frame();
                        self.stack.truncate(base);
                        match self.hand_to_code(value) {
                            true => continue 'frame,
                            false => return Ok(Flow::Value(value)),
                        }
                    }
                }
                pc += 1;
            }
        }
    }

    /// Puts a value where the code frame on top, if it is one, awaits it.
    #[inline(always)]
    fn hand_to_code(&mut self, value: Value) -> bool {
        match self.frames.last() {
            Some(Frame::Code(frame)) => {
                let slot = frame.base as usize + usize::from(frame.dst);
                self.stack[slot] = value;
                true
            }
            _ => false,
        }
    }

    /// Lets a thunk, not yet evaluated, take the place of the code frame on top.
    fn return_thunk(&mut self, value: Value, base: usize, depth: u32) -> Result<Flow> {
        if value.as_thunk().is_some_and(|thunk| thunk.is_running()) {
            return Err(infinite_recursion());
        }
        let Some(Frame::Code(CodeFrame { update, .. })) = self.frames.last() else {
            unreachable!("the running frame is on top")
        };
        self.leave_code(*update, base);
        self.force_at(value, depth)
    }

    /// Takes the code frame on top away. It holds nothing that needs to be dropped, which the compiler cannot see.
    #[inline(always)]
    fn drop_code_frame(&mut self) {
        std::mem::forget(self.frames.pop());
    }

    /// Takes the code frame on top away; a thunk that it was to update waits on in a small frame of its own.
    fn leave_code(&mut self, update: Option<crate::heap::Thunk>, base: usize) {
        self.drop_code_frame();
        self.stack.truncate(base);
        if let Some(thunk) = update {
            self.frames.push(Frame::Update(thunk));
        }
    }

    /// A call in place of the code frame on top.
    fn tail_call(
        &mut self,
        function: Value,
        args: &[Value],
        base: usize,
        pos: Pos,
    ) -> Result<Flow> {
        let Some(Frame::Code(CodeFrame { update, depth, .. })) = self.frames.last() else {
            unreachable!("the running frame is on top")
        };
        let (update, depth) = (*update, *depth);
        // A closure that takes just these arguments gets the frame; anything else is called the general way.
        if let Some(closure) = function.as_closure() {
            let code = Linked::at(closure.code());
            if usize::from(code.arity) == args.len() {
                if depth >= self.limits.call_depth {
                    return Err(self.too_deep());
                }
                self.drop_code_frame();
                let count = args.len();
                let from = args.as_ptr() as usize - self.stack.as_ptr() as usize;
                let from = from / size_of::<Value>();
                self.stack.copy_within(from..from + count, base);
                self.stack.truncate(base + count);
                self.stack
                    .resize(base + usize::from(code.registers).max(count), Value::NULL);
                self.frames.push(Frame::Code(CodeFrame {
                    code,
                    captured: Some(closure),
                    pc: 0,
                    base: base as u32,
                    depth: depth + 1,
                    dst: 0,
                    update,
                }));
                return Ok(Flow::Enter);
            }
        }
        let args = args.to_vec();
        self.leave_code(update, base);
        self.apply_at(function, &args, depth, pos)
    }
}

#[cold]
pub(super) fn infinite_recursion() -> Error {
    Error::new(
        ErrorKind::InfiniteRecursion,
        "infinite recursion encountered",
    )
}
