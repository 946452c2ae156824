//! `builtins.toJSON` and `builtins.fromJSON`: text and messages as Nix has them from its JSON library, nlohmann/json, and
//! values of any depth.

mod escape;
mod lexer;
mod nesting;
mod number;
mod read;
mod write;

pub use nesting::Nesting;
pub use read::from_json;
pub use write::to_json;
