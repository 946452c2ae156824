//! The outer loop: hands values to whatever frame is on top, until the one that was asked for is there. Code runs in a loop of its own
//! (see `run`), which comes back here with what is not for code.

use super::call::Passed;
use super::frame::{Frame, Load};
use super::link::Linked;
use super::machine::{Outcome, Vm};
use super::task::{Step, Task, boxed};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Thunk, ThunkState, Value};
use crate::source::Pos;

/// How the loop goes on.
#[derive(Debug)]
pub(crate) enum Flow {
    /// A value for the frame on top.
    Value(Value),
    /// The frame on top has just been pushed: run it.
    Enter,
    /// The generator on top has asked for something, and who serves another one goes on with it: see `Vm::serve`.
    Asked,
    /// The owner of the VM has to compile something first. Boxed, so that a flow fits in two registers.
    Load(Box<Load>),
    /// Frames are taken down until one catches it. Not the other half of a `Result`: that would go through memory from each function to
    /// its caller.
    Failed(Error),
}

const _: () = assert!(size_of::<Flow>() == 16);

/// What a result holds; an error is what becomes of the function around, which answers a [`Flow`].
macro_rules! or_fail {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return $crate::vm::Flow::Failed(error),
        }
    };
}
pub(crate) use or_fail;

impl From<Result<Value>> for Flow {
    fn from(result: Result<Value>) -> Self {
        match result {
            Ok(value) => Flow::Value(value),
            Err(error) => Flow::Failed(error),
        }
    }
}

impl Vm {
    /// Runs until the frame [`Frame::Stop`] has a value.
    pub(super) fn run(&mut self, mut flow: Flow) -> Result<Outcome> {
        loop {
            flow = match flow {
                Flow::Value(value) => {
                    if matches!(self.frames.last(), Some(Frame::Stop)) {
                        self.pop_frame();
                        if self.heap.is_exhausted() {
                            return Err(self.out_of_memory());
                        }
                        return Ok(Outcome::Value(value));
                    }
                    self.deliver(value)
                }
                Flow::Enter => self.run_code(),
                Flow::Asked => self.serve(),
                Flow::Load(load) => return Ok(Outcome::Load(*load)),
                Flow::Failed(error) => self.unwind(error)?,
            };
        }
    }

    /// Hands a value to the frame on top, which is not [`Frame::Stop`].
    #[inline]
    pub(crate) fn deliver(&mut self, value: Value) -> Flow {
        match self.frames.last_mut() {
            Some(Frame::Code(frame)) => {
                let slot = frame.base as usize + usize::from(frame.dst);
                self.stack[slot] = value;
                self.run_code()
            }
            Some(Frame::Arguments { base, next, .. }) => {
                let slot = (*base + *next) as usize;
                self.stack[slot] = value;
                self.continue_arguments()
            }
            Some(Frame::Loaded(_)) => {
                if let Some(Frame::Loaded(path)) = self.frames.pop() {
                    self.loading.remove(&path);
                    self.imports.insert(path, value);
                }
                Flow::Value(value)
            }
            _ => match self.pass_on(value) {
                Some(flow) => flow,
                None => unreachable!("handled by the loop"),
            },
        }
    }

    /// Steps the task on top until it is done or waits. A value that is answered is for the frame below it.
    pub(super) fn step_task(&mut self, mut value: Option<Value>) -> Flow {
        let floor = self.frames.len() - 1;
        loop {
            let Some(Frame::Task(task)) = self.frames.last_mut() else {
                unreachable!("a task is on top")
            };
            let task: *mut dyn Task = &mut **task;
            let begun = self.watch();
            // SAFETY: the task stays in its box, on top: a step pushes no frames, it answers which are to be pushed. It reaches no
            // safepoint and looks at no frame but code and builtins, so that nobody else sees the task meanwhile.
            let step = unsafe { (*task).step(self, value.take()) };
            if let Some(begun) = begun {
                self.observe_step(begun);
            }
            let flow = match or_fail!(step) {
                Step::Force(next) => self.force(next),
                Step::Done(result) => {
                    self.frames.pop();
                    if self.frames.len() == floor {
                        return Flow::Value(result);
                    }
                    Flow::Value(result)
                }
                Step::Call(function, args) => self.apply(function, &args),
                Step::Load(load) => {
                    self.frames.pop();
                    return Flow::Load(Box::new(load));
                }
                Step::Push(next) => {
                    self.push_frame(|| Frame::Task(next));
                    continue;
                }
            };
            match flow {
                Flow::Value(result) => value = Some(result),
                flow => return flow,
            }
        }
    }

    /// Begins a task for the frame on top.
    #[inline]
    pub(crate) fn push_task<T: Task + 'static>(&mut self, task: impl FnOnce() -> T) -> Flow {
        self.push_boxed(boxed(task))
    }

    /// Begins the task in this box.
    pub(super) fn push_boxed(&mut self, task: Box<dyn Task>) -> Flow {
        self.push_frame(|| Frame::Task(task));
        self.step_task(None)
    }

    /// Forces `value` for the frame on top: a value that is answered at once is for the frame that was on top, here and in
    /// all functions that answer a [`Flow`].
    #[inline]
    pub(crate) fn force(&mut self, value: Value) -> Flow {
        let depth = self.depth();
        self.force_at(value, depth)
    }

    /// The same, at a known depth of calls.
    ///
    /// The kinds of thunks stand in functions of their own, by how often they come: one `match` would be one indirect jump, which the
    /// processor guesses wrong more often than the comparisons.
    #[inline]
    pub(crate) fn force_at(&mut self, value: Value, depth: u32) -> Flow {
        match value.as_thunk() {
            None => Flow::Value(value),
            Some(thunk) if thunk.state() == ThunkState::Suspended => {
                thunk.begin();
                let captured = thunk.captured();
                self.push_call(
                    Linked::at(captured.code()),
                    captured,
                    Some(thunk),
                    depth,
                    std::ptr::null(),
                    0,
                );
                Flow::Enter
            }
            Some(thunk) if thunk.state() == ThunkState::Apply => self.force_apply(thunk, depth),
            Some(thunk) => match thunk.value() {
                Some(value) => Flow::Value(value),
                None => Flow::Failed(infinite_recursion()),
            },
        }
    }

    /// The same; an error gains the line `text`.
    pub(crate) fn force_explained(&mut self, value: Value, text: Value, depth: u32) -> Flow {
        self.push_frame(|| Frame::Explained(text));
        let flow = self.force_at(value, depth);
        if let Flow::Value(_) = flow {
            self.pop_frame();
        }
        flow
    }

    /// Forces a thunk that applies a function and is not begun.
    #[inline(never)]
    fn force_apply(&mut self, thunk: Thunk, depth: u32) -> Flow {
        thunk.begin();
        let (function, args) = thunk.application();
        // A closure that takes just these arguments updates the thunk itself; anything else needs a frame for that.
        if let Some(closure) = function.as_closure()
            && usize::from(Linked::at(closure.code()).arity) == args.len()
        {
            if depth >= self.limits.call_depth {
                thunk.reset();
                return Flow::Failed(self.too_deep());
            }
            let code = Linked::at(closure.code());
            self.push_call(
                code,
                closure,
                Some(thunk),
                depth + 1,
                args.as_ptr(),
                args.len(),
            );
            return Flow::Enter;
        }
        self.push_frame(|| Frame::Update(thunk));
        let flow = self.apply_at(function, Passed::of(args), depth, Pos::NONE);
        if let Flow::Value(value) = flow {
            self.heap.finish(thunk, value);
            self.pop_frame();
        }
        flow
    }

    /// Hands a value to the frame on top, if it is one that the loop over code serves on its way back and that is none of code.
    #[inline(never)]
    pub(super) fn pass_on(&mut self, value: Value) -> Option<Flow> {
        match self.frames.last_mut() {
            Some(Frame::Generator(_)) => Some(self.resume_generator(value)),
            Some(Frame::Update(thunk)) => {
                self.heap.finish(*thunk, value);
                self.pop_frame();
                Some(Flow::Value(value))
            }
            Some(Frame::Apply { .. }) => Some(self.apply_waiting(value)),
            Some(Frame::Explained(_) | Frame::Functor { .. }) => {
                self.pop_frame();
                Some(Flow::Value(value))
            }
            Some(Frame::Task(_)) => Some(self.step_task(Some(value))),
            _ => None,
        }
    }
}

#[cold]
pub(super) fn infinite_recursion() -> Error {
    Error::new(
        ErrorKind::InfiniteRecursion,
        "infinite recursion encountered",
    )
}
