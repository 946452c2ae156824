//! Frames: what waits for a value. The topmost one runs.

use super::link::Linked;
use super::task::Task;
use crate::bytecode::Instruction;
use crate::heap::{Captured, Thunk, Value};
use crate::source::Pos;

/// What the VM waits for, each with what holds while it waits.
pub(crate) enum Frame {
    /// Bytecode. Its registers are the stack from `base` on. While it waits `ip` is where it goes on and `dst`
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
    /// A builtin that has suspended with a request, whose answer is coming. Its arguments lie in the arena, before its state.
    Generator(GeneratorFrame),
    /// A value is coming for the frame below; an error gains this line instead, which is evaluated only then.
    Explained(Value),
    /// What a set with `__functor`, which stands at `at`, makes of itself and its argument is coming for who has called it at `pos`.
    Functor { at: Pos, pos: Pos },
    /// A step of the VM's own that takes several values: comparison, coercion and the like.
    Task(Box<dyn Task>),
    /// The value of a file: keep it under the path it was loaded by.
    Loaded(Box<[u8]>),
    /// The caller of the VM.
    Stop,
}

// A code frame is as large as a frame: so it begins where that does.
const _: () = assert!(size_of::<Frame>() == 48 && size_of::<CodeFrame>() == 48);

/// The register of a frame that waits for nothing, since its instruction has failed. There are fewer registers.
pub(super) const NOWHERE: u16 = u16::MAX;

/// See [`Frame::Code`].
pub(crate) struct CodeFrame {
    pub(crate) code: *const Linked,
    /// The closure or the thunk that the code runs for: it holds the captures.
    pub(crate) captured: Captured,
    pub(crate) ip: *const Instruction,
    pub(crate) base: u32,
    pub(crate) depth: u32,
    pub(crate) dst: u16,
    /// An observer has seen it begin.
    pub(crate) counted: bool,
    /// Where it was called, if that call took the place of the frame that made it.
    pub(crate) tail: Pos,
    /// The thunk that takes the value.
    pub(crate) update: Option<Thunk>,
    /// The values that this byte never has tell the other kinds of frames: no frame needs a word for its kind.
    pub(crate) _kind: CodeKindByte,
}

/// See [`CodeFrame::_kind`].
#[repr(u8)]
pub(crate) enum CodeKindByte {
    Code,
}

impl CodeFrame {
    /// Its code.
    #[inline(always)]
    pub(super) fn code(&self) -> &'static Linked {
        // SAFETY: linked code lives as long as the VM, and frames do not outlive that.
        unsafe { &*self.code }
    }

    /// The index of the instruction that it goes on with.
    pub(super) fn pc(&self) -> usize {
        // SAFETY: both lie within the instructions of the code, or just behind.
        unsafe { self.ip.offset_from(self.code().start()) as usize }
    }
}

/// See [`Frame::Generator`].
pub(crate) struct GeneratorFrame {
    pub(crate) state: *mut u8,
    /// Who owns the roots that the builtin made.
    pub(crate) owner: u64,
    pub(crate) builtin: u32,
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
