//! Steps of the VM's own that need several values: explicit state machines, so that nothing recurses on the native stack.

use super::frame::Load;
use super::machine::Vm;
use crate::error::{Error, Result};
use crate::heap::{Marker, Value};

/// What a task does next.
pub(crate) enum Step {
    /// It has its value.
    Done(Value),
    /// It waits for this value in weak head normal form.
    Force(Value),
    /// It waits for the result of a call.
    Call(Value, Vec<Value>),
    /// It is done; the value is what this evaluates to, once compiled.
    Load(Load),
    /// It waits for another task.
    Push(Box<dyn Task>),
}

/// A task in a box, made where it comes to stand: a copy of what has just been written word by word would have to wait until the words
/// have come to the cache.
#[inline(always)]
pub(super) fn boxed<T: Task + 'static>(make: impl FnOnce() -> T) -> Box<dyn Task> {
    let task: Box<T> = Box::write(Box::new_uninit(), make());
    task
}

impl Step {
    /// To wait for another task.
    #[inline(always)]
    pub(crate) fn push<T: Task + 'static>(make: impl FnOnce() -> T) -> Step {
        Step::Push(boxed(make))
    }
}

/// A state machine on the frame stack.
pub(crate) trait Task {
    /// Goes on: `None` at first, then with what it waited for.
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step>;

    /// Marks the values that it holds.
    fn mark(&self, marker: &mut Marker);

    /// Whether the value that it waits for is not told as that of an attribute.
    fn takes_no_attribute(&self) -> bool {
        false
    }

    /// An error passes through: answers the value that the task has instead, or the error.
    fn fail(&mut self, _: &mut Vm, error: Error) -> Result<Value> {
        Err(error)
    }
}
