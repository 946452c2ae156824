//! `piton`: evaluates the Nix language. The evaluator is [`piton_core`]; here are the command line and the outside world.

mod arguments;
mod code_cache;
mod derivations;
mod drv;
mod eval;
mod failure;
mod flake;
mod inspect;
mod instantiate;
mod measure;
mod output;
mod plugin_command;
mod plugins;
mod select;
mod session;
mod settings;
mod source;
mod store;
mod terminal;
mod world;

use arguments::{Cli, Command, DrvCommand, InstantiateArguments};
use clap::Parser;
use failure::Result;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What is not in the evaluator's own heap (texts of derivations, tables, syntax trees) comes and goes in small pieces, at which it
/// is faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}

fn run(arguments: &[OsString]) -> Result<ExitCode> {
    // Under the name of Nix's command it is that command.
    let name = arguments
        .first()
        .and_then(|program| Path::new(program).file_name());
    if name.is_some_and(|name| name == "nix-instantiate") {
        return match InstantiateArguments::try_parse_from(arguments) {
            Ok(arguments) => instantiate::run(&arguments).map(|()| ExitCode::SUCCESS),
            Err(error) => usage(&error),
        };
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match &cli.command {
        Command::Eval(arguments) => eval::run(arguments)?,
        Command::Instantiate(arguments) => instantiate::run(arguments)?,
        Command::Parse(arguments) => inspect::parse(arguments)?,
        Command::Disasm(arguments) => inspect::disasm(arguments)?,
        Command::Drv(DrvCommand::Show(arguments)) => drv::show(arguments)?,
        Command::Drv(DrvCommand::Diff(arguments)) => return drv::diff(arguments),
        Command::Plugin(command) => plugin_command::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command line's grammar has to say: help and version on standard output, mistakes on standard error with status 1.
fn usage(error: &clap::Error) -> Result<ExitCode> {
    if error.use_stderr() {
        // What it quotes of the command line may hold anything.
        terminal::write_error(error.render().to_string().as_bytes());
        return Ok(ExitCode::FAILURE);
    }
    output::write(error.render().to_string().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
