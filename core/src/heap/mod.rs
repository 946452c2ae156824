//! Values and the memory they live in: tagged words, objects with precise headers, bump allocation in blocks, and a
//! non-moving mark-region collector that runs at safepoints only.
//!
//! Handles such as [`Attrs`] are plain addresses. They are valid until the next safepoint, unless what they name is
//! reachable from a root; a safepoint is reached only by running the VM (never by an accessor or an allocation).

mod block;
mod change;
mod collect;
mod copy;
mod make;
mod object;
mod prefetch;
mod region;
mod sets;
mod shapes;
mod slab;
mod stack;
mod word;

pub use block::{Heap, HeapStatistics, KindCount};
pub use collect::Marker;
pub use copy::{copy_values, copy_values_down};
pub use make::MAX_STRING;
pub use object::{CODE_END, Captured, CodeHead, Kind, List, Object, Partial, Thunk, ThunkState};
pub(crate) use prefetch::prefetch;
pub use region::large_pages_for_tables;
pub(crate) use region::populate;
pub use sets::{AnyAttrs, Attrs, Form, KeyEntry, Keys};
pub use slab::{Lasting, Slab};
pub use stack::Stack;
pub use word::{MAX_INLINE_INT, MIN_INLINE_INT, Value, ValueType};
