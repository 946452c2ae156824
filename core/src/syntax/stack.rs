//! Native stack that grows on the heap, for what recurses as deep as a source nests.

/// Native stack that has to be left when somebody looks. What runs between two looks must fit, in a debug build too.
const RESERVE: usize = 256 * 1024;

/// How much is added where it is not left.
const STEP: usize = 4 * 1024 * 1024;

/// Runs `work` with room on the native stack, whatever depth the caller has reached.
pub(super) fn with_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RESERVE, STEP, work)
}
