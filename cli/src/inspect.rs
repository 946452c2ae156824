//! `piton parse` and `piton disasm`: what the evaluator makes of a source before it runs.

use crate::arguments::SourceArguments;
use crate::failure::Result;
use crate::output;
use crate::session::Session;
use crate::source::{Named, Source};
use piton_core::bytecode::disassemble;
use piton_core::syntax::show;
use std::os::unix::ffi::OsStringExt;

/// Prints the syntax tree.
pub fn parse(arguments: &SourceArguments) -> Result<()> {
    parse_all(&mut session(arguments)?)
}

/// Prints the bytecode.
pub fn disasm(arguments: &SourceArguments) -> Result<()> {
    let mut session = session(arguments)?;
    for source in std::mem::take(&mut session.sources) {
        let (origin, text, base) = session.text(&source)?;
        let image = session
            .evaluator
            .compile_text(origin, &text, &base)
            .map_err(|error| session.report(&error))?;
        output::write(disassemble(&image, &session.evaluator.vm().interner).as_bytes())?;
    }
    Ok(())
}

/// Prints the syntax trees of all sources of a session, unless they use variables that nothing binds.
pub fn parse_all(session: &mut Session) -> Result<()> {
    for source in std::mem::take(&mut session.sources) {
        let mut text = shown(session, &source)?;
        text.push(b'\n');
        output::write(&text)?;
    }
    Ok(())
}

fn shown(session: &mut Session, source: &Source) -> Result<Vec<u8>> {
    let (origin, text, base) = session.text(source)?;
    let ast = session
        .evaluator
        .parse(origin, &text)
        .map_err(|error| session.report(&error))?;
    session
        .evaluator
        .check(&ast, &base)
        .map_err(|error| session.report(&error))?;
    let home = std::env::var_os("HOME")
        .map(OsStringExt::into_vec)
        .unwrap_or_default();
    Ok(show(&ast, &session.evaluator.vm().interner, &base, &home))
}

fn session(arguments: &SourceArguments) -> Result<Session> {
    Session::new(
        &arguments.evaluation,
        &[Named::new(&arguments.file, arguments.expr.as_deref())],
    )
}
