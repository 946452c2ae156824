//! `piton instantiate`, which is also what the program does under the name `nix-instantiate`.

use crate::arguments::InstantiateArguments;
use crate::eval::{for_each, print_all};
use crate::failure::{Failure, Result};
use crate::inspect;
use crate::output::{self, Format};
use crate::session::Session;
use crate::settings::{Mode, Settings};
use crate::source::{Named, Plan, find_file};
use crate::store::Roots;
use crate::world::Files;
use std::os::unix::ffi::OsStrExt;

/// Does what the flags ask for.
pub fn run(arguments: &InstantiateArguments) -> Result<()> {
    if arguments.version {
        return output::write(
            format!("nix-instantiate (Piton) {}\n", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
    }
    if arguments.find_file {
        return find_files(arguments);
    }
    let mut settings = Settings::new(&arguments.evaluation)?;
    settings.read_only |= (arguments.eval || arguments.parse) && !arguments.read_write_mode;
    // As in Nix `--read-write-mode` does not change this.
    settings.read_only |= arguments.dry_run;
    let mut session = Session::with_settings(&settings, &arguments.evaluation, &named(arguments))?;
    if arguments.parse {
        return inspect::parse_all(&mut session);
    }
    if !arguments.eval {
        let mut roots = Roots::new(
            settings.store.clone(),
            arguments.add_root.as_deref(),
            !arguments.no_gc_warning,
        );
        for_each(&mut session, &arguments.attributes, |session, value| {
            session.print_derivations(value, &mut roots)
        })?;
        return session.finish();
    }
    // Of several formats Nix takes the last one; the order is not known here, and asking for two is no habit of anybody.
    let format = if arguments.xml {
        Format::Xml {
            locations: !arguments.no_location,
        }
    } else if arguments.json {
        Format::Json
    } else if arguments.raw {
        Format::Raw
    } else {
        Format::Nix
    };
    print_all(
        &mut session,
        &arguments.attributes,
        format,
        arguments.strict,
    )?;
    session.finish()
}

/// Standard input comes first, wherever its `-` stands.
fn named(arguments: &InstantiateArguments) -> Vec<Named> {
    let is_stdin = |file: &&std::ffi::OsString| *file == "-";
    let mut named = Vec::new();
    if arguments.files.iter().any(|file| is_stdin(&file)) {
        named.push(Named::Stdin);
    } else if arguments.files.is_empty() && !arguments.expr {
        named.push(Named::File(b"./default.nix".to_vec()));
    }
    for file in arguments.files.iter().filter(|file| !is_stdin(file)) {
        let bytes = file.as_bytes().to_vec();
        named.push(if arguments.expr {
            Named::Text(bytes)
        } else {
            Named::File(bytes)
        });
    }
    named
}

fn find_files(arguments: &InstantiateArguments) -> Result<()> {
    let settings = Settings::new(&arguments.evaluation)?;
    let plan = Plan::new(&settings, &[])?;
    if settings.no_impure && settings.mode != Mode::PureEval {
        return Err(Failure::new("with '--no-impure' there is no search path"));
    }
    let files = Files::new(plan.access);
    for name in &arguments.files {
        let mut path = find_file(&settings, &files, &plan.current_dir, name.as_bytes())?;
        path.push(b'\n');
        output::write(&path)?;
    }
    Ok(())
}
