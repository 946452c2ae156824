//! Frames: what waits for a value. The topmost one runs.

use super::link::Linked;
use super::task::Task;
use crate::heap::{Captured, Thunk, Value};
use crate::source::Pos;

/// What the VM waits for, each with what holds while it waits.
pub(crate) enum Frame {
    /// Bytecode. Its registers are the stack from `base` on. While it waits `pc` is where it goes on and `dst`
    /// the register that takes the value.
    Code(CodeFrame),
    /// A thunk whose value is what comes. It is marked as running.
    Update(Thunk),
    /// A function is coming; it is to be applied to the `count` values on the stack from `base` on.
    Apply {
        base: u32,
        count: u32,
        depth: u32,
        pos: Pos,
    },
    /// A builtin whose strict arguments are being forced: argument `next` is coming. All are on the stack from `base` on.
    Arguments {
        builtin: u32,
        base: u32,
        next: u32,
        depth: u32,
        pos: Pos,
    },
    /// A builtin that has suspended with a request, whose answer is coming. Its arguments are on the stack from `base` on.
    Generator(GeneratorFrame),
    /// A step of the VM's own that takes several values: comparison, coercion and the like.
    Task(Box<dyn Task>),
    /// The value of a file: keep it under the path it was loaded by.
    Loaded(Box<[u8]>),
    /// The caller of the VM.
    Stop,
}

const _: () = assert!(size_of::<Frame>() <= 48);

/// See [`Frame::Code`].
pub(crate) struct CodeFrame {
    pub(crate) code: *const Linked,
    /// The closure or the thunk that the code runs for: it holds the captures.
    pub(crate) captured: Option<Captured>,
    pub(crate) pc: u32,
    pub(crate) base: u32,
    pub(crate) depth: u32,
    pub(crate) dst: u16,
    /// The thunk that takes the value.
    pub(crate) update: Option<Thunk>,
}

/// See [`Frame::Generator`].
pub(crate) struct GeneratorFrame {
    pub(crate) state: *mut u8,
    /// Who owns the roots that the builtin made.
    pub(crate) owner: u64,
    pub(crate) builtin: u32,
    pub(crate) base: u32,
    /// Where the arena goes back to when the frame ends.
    pub(crate) mark: u64,
    pub(crate) depth_pos: (u32, Pos),
}

/// What the VM suspends with so that its owner compiles something.
#[derive(Debug)]
pub enum Load {
    /// The file at this path, with these names in scope (`scopedImport`) or none.
    File {
        /// Canonical.
        path: Vec<u8>,
        /// A set.
        scope: Option<Value>,
    },
    /// A text of a plugin.
    Text(Vec<u8>),
}
