//! What the values of the language are made of beyond their layout: string contexts, operations on sets and lists.

mod attrs;
mod context;

pub use attrs::{name_order, update};
pub use context::{ContextId, Contexts};
