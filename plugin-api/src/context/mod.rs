//! [`Cx`]: what a builtin can ask of its host, at once or by suspending.

mod ask;
mod collections;
mod cx;
mod error;
mod text;

pub use ask::{Answer, Coerced, Forced};
pub use collections::{Attribute, ListCursor};
pub use cx::Cx;
pub use error::{Error, ErrorKind, Result};
pub use text::{StringContext, Symbol};
