//! What the compiler is told of how often code runs.

/// Marks the branch that it stands in as one that is seldom taken: the other one is then laid out without a jump, and the processor
/// has fewer of these to foresee. `std::hint::cold_path` is the same, from Rust 1.95 on.
#[cold]
#[inline(always)]
pub const fn cold_path() {}
