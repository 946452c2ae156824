//! `piton eval`

use crate::arguments::EvalArguments;
use crate::failure::{Failure, Result};
use crate::output::Format;
use crate::session::Session;
use crate::source::Named;
use piton_core::heap::Value;
use std::ffi::OsString;

/// Evaluates and prints.
pub fn run(arguments: &EvalArguments) -> Result<()> {
    let named = Named::new(&arguments.file, arguments.expr.as_deref());
    let mut session = Session::new(&arguments.evaluation, &[named])?;
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
    print_all(&mut session, &arguments.attributes, format, strict)
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
