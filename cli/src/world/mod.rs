//! The world as the command line has it: the file system, the environment and the terminal of this process.

mod access;
mod files;
pub mod search_path;

pub use access::{Access, Rule};
pub use files::{Files, MAX_AT_ONCE, as_path, read_up_to};

use crate::terminal;
use piton_core::world::{Answer, FileType, Message, TakePiece, World};
use search_path::Entry;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// What an evaluation sees of the outside.
pub struct Outside {
    /// Files, as far as they may be read.
    pub files: Files,
    /// The search path.
    pub search_path: Vec<Entry>,
    /// The system to tell.
    pub system: Arc<str>,
    /// The folder of relative search path entries.
    pub current_dir: Vec<u8>,
    /// Which messages are shown.
    pub messages: Messages,
}

/// Which messages are shown.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    /// `builtins.traceVerbose` (`--trace-verbose`).
    pub verbose_traces: bool,
    /// Warnings.
    pub warnings: bool,
}

impl Outside {
    /// The file system as it is, for what is not an evaluation.
    pub fn everything() -> Self {
        Outside {
            files: Files::new(Access::new(Rule::Everything, Vec::new())),
            search_path: Vec::new(),
            system: "".into(),
            current_dir: b"/".to_vec(),
            messages: Messages {
                verbose_traces: false,
                warnings: false,
            },
        }
    }

    /// Whether the mode of evaluation lets it see environment and clock.
    fn is_impure(&self) -> bool {
        self.files.access().is_unlimited()
    }
}

impl World for Outside {
    fn read_file(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.files.read_file(path)
    }

    fn read_pieces(&self, path: &[u8], take: TakePiece<'_>) -> Answer<()> {
        self.files.read_pieces(path, take)
    }

    fn read_dir(&self, path: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>> {
        self.files.read_dir(path)
    }

    fn file_type(&self, path: &[u8]) -> Answer<FileType> {
        self.files.file_type(path)
    }

    fn read_link(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.files.read_link(path)
    }

    fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>> {
        self.files.resolve(path)
    }

    /// In pure and in restricted evaluation every variable is unset, as in Nix.
    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        if !self.is_impure() {
            return None;
        }
        std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
    }

    fn current_dir(&self) -> Vec<u8> {
        self.current_dir.clone()
    }

    /// Only those may ask to whom the capability `clock` is granted; to be safe there is no time without it.
    fn time(&self) -> i64 {
        if !self.is_impure() {
            return 0;
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |duration| {
            i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
        })
    }

    fn system(&self) -> Arc<str> {
        self.system.clone()
    }

    fn search_path(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.search_path
            .iter()
            .map(|entry| (entry.prefix.clone(), entry.path.clone()))
            .collect()
    }

    fn resident_memory(&self) -> Option<usize> {
        memory_stats::memory_stats().map(|memory| memory.physical_mem)
    }

    fn permit(&self, path: &[u8]) {
        self.files.permit(path);
    }

    fn emit(&self, kind: Message, text: &[u8]) {
        match kind {
            Message::Trace => trace(text),
            Message::TraceVerbose if self.messages.verbose_traces => trace(text),
            Message::Warning if self.messages.warnings => terminal::write_error(&warning(text)),
            Message::Notice if self.messages.warnings => terminal::write_error(text),
            Message::Lint | Message::Caution if self.messages.warnings => {
                terminal::warn(&String::from_utf8_lossy(text))
            }
            // Without a debugger there is nothing to break into.
            Message::TraceVerbose
            | Message::Warning
            | Message::Lint
            | Message::Break
            | Message::Notice
            | Message::Caution => {}
        }
    }
}

/// What a program says. Its last line ends, too, even where it is empty.
fn trace(text: &[u8]) {
    terminal::write_error(&[b"trace: ", text, b"\n"].concat());
}

/// A warning of a program; its further lines stand below the first. One without text is an empty line, as Nix has it.
fn warning(text: &[u8]) -> Vec<u8> {
    const LABEL: &str = "evaluation warning:";
    let text = String::from_utf8_lossy(text);
    let text = terminal::without_blanks_at_ends(&text);
    if text.is_empty() {
        return Vec::new();
    }
    let below = format!("\n{:width$}", "", width = LABEL.len() + 1);
    let text = format!(
        "{} {}",
        terminal::paint("35;1", LABEL),
        text.replace('\n', &below)
    );
    terminal::without_blanks_at_ends(&text).into_bytes()
}

/// The system that this program runs on, as Nix names it.
pub fn current_system() -> String {
    let arch = match std::env::consts::ARCH {
        "x86" => "i686",
        "powerpc64" if cfg!(target_endian = "little") => "powerpc64le",
        "arm" => "armv7l",
        arch => arch,
    };
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        system => system,
    };
    format!("{arch}-{system}")
}
