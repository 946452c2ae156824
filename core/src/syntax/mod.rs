//! Source text to syntax tree. Nothing here knows of values or evaluation.

pub mod ast;
mod build;
mod bytes;
pub mod compare;
mod lexer;
pub mod literal;
pub mod lower;
mod merge;
pub mod parser;
pub mod show;
mod strings;

pub use compare::ast_equal;
pub use lower as oracle;
pub use show::{show, show_expression};

use crate::error::Result;
use crate::source::SourceFile;
use crate::symbol::Interner;

/// What of the language is enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// `|>` and `<|`: Nix's experimental feature `pipe-operators`.
    pub pipe_operators: bool,
}

/// What Nix says of pipes when they are not enabled.
const PIPES_DISABLED: &str = "experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features \
                              pipe-operators' to enable it";

/// Parses a source text.
pub fn parse(file: &SourceFile, interner: &mut Interner, options: &ParseOptions) -> Result<ast::Ast> {
    parser::parse(file, interner, options)
}

/// Runs `work` with room on the native stack, whatever depth the caller has reached.
fn with_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, work)
}
