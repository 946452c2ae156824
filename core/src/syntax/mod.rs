//! Source text to syntax tree. Nothing here knows of values or evaluation.

pub mod ast;
