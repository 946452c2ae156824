//! How a command ends that does not succeed: with text on standard error and a status.

use crate::terminal;
use piton_core::world::WorldError;
use std::process::ExitCode;

/// Status of a process that was told by a closed pipe that nobody reads on: what a shell reports of SIGPIPE.
const BROKEN_PIPE: u8 = 141;

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// A report in full, as [`piton_core::report`] words it.
    Report(String),
    /// A message without its "error: ".
    Message(String),
    /// Standard output cannot be written.
    Output(std::io::Error),
}

/// What may fail.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Failure::Message(message.into())
    }

    /// Tells it on standard error, and answers the status of the process.
    pub fn tell(self) -> ExitCode {
        match self {
            Failure::Report(text) => {
                terminal::write_error(terminal::without_blanks_at_ends(&text).as_bytes());
            }
            Failure::Message(text) => {
                terminal::write_error(format!("{} {text}", terminal::error_label()).as_bytes())
            }
            Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                return ExitCode::from(BROKEN_PIPE);
            }
            Failure::Output(error) => {
                let text = format!(
                    "{} cannot write the result: {}",
                    terminal::error_label(),
                    reason(&error)
                );
                terminal::write_error(text.as_bytes());
            }
        }
        ExitCode::FAILURE
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Output(error)
    }
}

/// The system's words for an error, without the number that Rust adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// What is wrong with a path, in the words of the evaluator.
pub fn world_text(path: &[u8], error: WorldError) -> String {
    match error {
        WorldError::NotFound => format!("path '{}' does not exist", String::from_utf8_lossy(path)),
        WorldError::Forbidden(text) | WorldError::Other(text) => text,
    }
}
