//! `builtins.toJSON` and `builtins.fromJSON`: text and messages as Nix has them from its JSON library, nlohmann/json, and
//! values of any depth.

mod ancestors;
mod escape;
mod lexer;
mod number;
mod read;
mod write;

pub use ancestors::Ancestors;
pub use read::from_json;
pub use write::to_json;
