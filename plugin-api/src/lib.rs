//! The boundary between the Piton evaluator and its plugins: the C ABI ([`abi`]) and a Rust SDK over it.
//!
//! A builtin is one function; a plugin is a list of them:
//!
//! ```
//! use piton_plugin_api::{builtin, plugin};
//!
//! builtin! {
//!     /// Greets somebody.
//!     name = "greet", since = "0.1.0", example = "builtins.greet \"Ada\"" => "\"Hello, Ada!\"",
//!     leaf fn greet<'f>(cx, name: string) {
//!         let mut text = b"Hello, ".to_vec();
//!         text.extend_from_slice(cx.bytes(name)?);
//!         text.push(b'!');
//!         Ok(cx.string_with(text, cx.context(name)))
//!     }
//! }
//!
//! plugin! { name: hello, version: "0.1.0", builtins: [greet] }
//! ```
//!
//! An `async fn` may suspend: it forces thunks, calls functions, compares, reads files, by asking the host.
//! What it holds meanwhile stays alive, because a [`Value`] is rooted as long as it exists.

#[macro_use]
mod declare;

pub mod abi;
mod context;
pub mod driver;
#[doc(hidden)]
pub mod hint;
pub mod manifest;
mod union;
mod value;

pub use abi_stable::StableAbi;
pub use context::{
    Answer, Attribute, Coerced, Cx, Error, ErrorKind, Forced, ListCursor, Result, StringContext,
    Symbol,
};
#[doc(hidden)]
pub use declare::private as __private;
pub use union::Union;
pub use value::{Type, Value};
