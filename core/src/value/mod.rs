//! What the values of the language are made of beyond their layout: string contexts, operations on sets and lists.

mod attrs;
mod context;
mod layers;
mod update;

pub use attrs::{common, name_order, without};
pub use context::{ContextId, Contexts, Element, way};
pub use layers::flat;
pub use update::{MergePlans, update};
