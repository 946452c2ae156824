//! `builtins.hashString` and `builtins.convertHash`.

mod algorithm;
mod builtins;
mod encoding;

pub use builtins::{convert_hash, hash_string};
