//! The Piton evaluator: Nix source text to values. The virtual machine knows no builtin; all of them come from plugins.

mod ahead;
pub mod bytecode;
pub mod code_cache;
pub mod compile;
pub mod error;
pub mod eval;
pub mod heap;
pub mod host;
mod kept;
pub mod path;
pub mod print;
pub mod report;
pub mod source;
pub mod store;
pub mod symbol;
pub mod syntax;
mod text;
pub mod value;
pub mod vm;
pub mod world;
