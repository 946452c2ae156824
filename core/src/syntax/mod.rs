//! Source text to syntax tree. Nothing here knows of values or evaluation.
//!
//! [`parse`] is the parser of every evaluation. [`oracle`] answers the same question by way of rnix, and exists to be
//! compared with it: [`ast_equal`].

pub mod ast;
mod build;
mod bytes;
pub mod compare;
mod formals;
mod lexer;
mod lint;
pub mod literal;
pub mod lower;
mod lower_text;
mod merge;
mod operators;
pub mod parser;
mod sets;
pub mod show;
mod stack;
mod strings;
#[cfg(test)]
mod tests;

pub use build::ParseMemory;
pub use compare::ast_equal;
pub use lower as oracle;
pub use parser::{Lint, ParseOptions, parse};
pub use show::{print_float, print_name, print_string, show, show_expression, symbol_text};
