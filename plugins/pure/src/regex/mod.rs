//! `builtins.match` and `builtins.split`: POSIX extended expressions with the answers that libstdc++ gives, in linear time.
//!
//! libstdc++ backtracks: it takes the first way to match, except that at a `|` it takes the branch that ends up with the
//! longer match. The `regex` crate takes the first way always. The two agree on every expression without `|`, on every match
//! of a whole text, and wherever the branches begin with different bytes: all of these are translated ([`translate`]) and
//! run by the crate. The few others are run by [`backtrack`], which does what libstdc++ does but remembers what it has tried.

mod backtrack;
mod brackets;
mod builtins;
mod cache;
mod syntax;
#[cfg(test)]
mod tests;
mod translate;

pub use builtins::{match_, split};
