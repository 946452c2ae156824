//! `piton eval`

use crate::arguments::EvalArguments;
use crate::failure::{Failure, Result};
use crate::flake;
use crate::output::Format;
use crate::session::Session;
use crate::settings::Settings;
use crate::source::Named;
use crate::world::current_system;
use piton_core::heap::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Evaluates and prints.
pub fn run(arguments: &EvalArguments) -> Result<()> {
    let (format, strict) = if arguments.json {
        (Format::Json, true)
    } else if arguments.xml {
        (
            Format::Xml {
                locations: !arguments.no_location,
            },
            arguments.strict,
        )
    } else if arguments.raw {
        (Format::Raw, arguments.strict)
    } else {
        (Format::Nix, arguments.strict)
    };
    if let Some(reference) = flake::named(arguments) {
        return print_flake(arguments, reference, format, strict);
    }
    let named = Named::new(&arguments.file, arguments.expr.as_deref());
    let mut session = Session::new(&arguments.evaluation, &[named])?;
    print_all(&mut session, &arguments.attributes, format, strict)?;
    session.finish()
}

/// Evaluates a flake and prints the parts that are asked for.
fn print_flake(
    arguments: &EvalArguments,
    reference: &OsStr,
    format: Format,
    strict: bool,
) -> Result<()> {
    let mut settings = Settings::new(&arguments.evaluation)?;
    settings.for_flake(&arguments.evaluation);
    let mut session = Session::with_settings(&settings, &arguments.evaluation, &[])?;
    if !strict && format != Format::Raw {
        session.evaluator.keep_thunks();
    }
    let base = std::env::current_dir()
        .map_err(|error| Failure::new(format!("cannot get the current folder: {error}")))?;
    let system = settings.system.clone().unwrap_or_else(current_system);
    let base = base.as_os_str().as_bytes();
    let attributes = selection_paths(&arguments.attributes)?;
    for mut value in flake::evaluate(&mut session, reference, &attributes, base, &system)? {
        if !session.arguments.is_empty() {
            value = session.auto_call(value)?;
        }
        session.print(value, format, strict)?;
    }
    session.finish()
}

/// Evaluates all sources of a session and prints of each the parts that are asked for.
pub fn print_all(
    session: &mut Session,
    attributes: &[OsString],
    format: Format,
    strict: bool,
) -> Result<()> {
    if !strict && format != Format::Raw {
        session.evaluator.keep_thunks();
    }
    for_each(session, attributes, |session, mut value| {
        if !session.arguments.is_empty() {
            value = session.auto_call(value)?;
        }
        session.print(value, format, strict)
    })
}

/// Does something with the parts that are asked for of all sources of a session.
pub fn for_each(
    session: &mut Session,
    attributes: &[OsString],
    mut action: impl FnMut(&mut Session, Value) -> Result<()>,
) -> Result<()> {
    let attributes = selection_paths(attributes)?;
    for source in std::mem::take(&mut session.sources) {
        let root = session.evaluate(&source)?;
        for path in &attributes {
            let value = session.select(root, path)?;
            action(session, value)?;
        }
    }
    Ok(())
}

/// The paths as text; without any, the one that selects everything.
fn selection_paths(attributes: &[OsString]) -> Result<Vec<&str>> {
    if attributes.is_empty() {
        return Ok(vec![""]);
    }
    let path = |path: &OsString| {
        format!(
            "the selection path '{}' is not UTF-8",
            path.to_string_lossy()
        )
    };
    attributes
        .iter()
        .map(|name| name.to_str().ok_or_else(|| Failure::new(path(name))))
        .collect()
}
