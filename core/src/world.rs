//! [`World`]: the only door from the evaluator to files, environment, clock and terminal.

use std::sync::Arc;

/// What a path refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileType {
    /// A file.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a pipe, a device.
    Unknown,
}

impl FileType {
    /// As `readDir` names it.
    pub fn name(self) -> &'static str {
        match self {
            FileType::Regular => "regular",
            FileType::Directory => "directory",
            FileType::Symlink => "symlink",
            FileType::Unknown => "unknown",
        }
    }
}

/// Why the world refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorldError {
    /// Nothing is there.
    NotFound,
    /// This mode of evaluation does not permit it; the text says why.
    Forbidden(String),
    /// Anything else.
    Other(String),
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// `builtins.trace`
    Trace,
    /// `builtins.traceVerbose`
    TraceVerbose,
    /// `builtins.warn`
    Warning,
    /// A literal that the parser discourages.
    Lint,
    /// `builtins.break`
    Break,
    /// A line of a builtin: what takes time.
    Notice,
    /// A warning of a builtin that is not the program's.
    Caution,
}

/// Result of asking the world.
pub type Answer<T> = Result<T, WorldError>;

/// What is known of a file before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileInfo {
    /// How many bytes it has.
    pub length: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// Takes a file piece by piece: what is known of all of it, and the next bytes. There is always a piece, if only an empty one.
pub type TakePiece<'t> = &'t mut dyn FnMut(FileInfo, &[u8]) -> Answer<()>;

/// Files, environment, clock and terminal. Paths are absolute and canonical; implementations follow symbolic links as each
/// method says.
pub trait World {
    /// The bytes of a file; links are followed. What can be read only once, as a pipe, is refused.
    fn read_file(&self, path: &[u8]) -> Answer<Vec<u8>>;
    /// The bytes of a file for who need not have them all at once; links are followed. What is taken before an error is void.
    fn read_pieces(&self, path: &[u8], take: TakePiece<'_>) -> Answer<()>;
    /// Names and types in a folder; links in the path are followed, entries are not.
    fn read_dir(&self, path: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>>;
    /// What is at a path. A link there is reported as such; links on the way are followed.
    fn file_type(&self, path: &[u8]) -> Answer<FileType>;
    /// What a symbolic link says.
    fn read_link(&self, path: &[u8]) -> Answer<Vec<u8>>;
    /// The path with all links resolved.
    fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>>;
    /// An environment variable.
    fn env(&self, name: &[u8]) -> Option<Vec<u8>>;
    /// The folder that relative entries of the search path start from.
    fn current_dir(&self) -> Vec<u8>;
    /// Seconds since 1970.
    fn time(&self) -> i64;
    /// As in "x86_64-linux".
    fn system(&self) -> Arc<str>;
    /// The search path: prefix and path of each entry.
    fn search_path(&self) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// Bytes of main memory that the process takes now, if that can be told: what a limit of memory is a limit of.
    fn resident_memory(&self) -> Option<usize> {
        None
    }
    /// From now on `path` and what lies below may be read in every mode: a builtin that may do so has fetched it.
    fn permit(&self, _path: &[u8]) {}
    /// Shows a message of the program.
    fn emit(&self, kind: Message, text: &[u8]);
}

/// So many links lead from one to the next, as in Nix.
const MAX_LINKS: usize = 1024;

/// Why a path stands for no file.
#[derive(Debug)]
pub(crate) enum NoFile {
    /// The world refuses this path, to which the links have led.
    Refused(Vec<u8>, WorldError),
    /// Links lead further and further.
    Links(Vec<u8>),
}

/// The file that a path stands for: a link at its end is followed, and in a folder it is `default.nix`. Links on the way stay, as in
/// Nix: where the file lies, and so where its relative paths begin, is where it was reached.
pub(crate) fn file_to_evaluate(world: &dyn World, path: Vec<u8>) -> Result<Vec<u8>, NoFile> {
    let mut file = path;
    for _ in 0..MAX_LINKS {
        match world.file_type(&file) {
            Ok(FileType::Symlink) => {}
            Ok(FileType::Directory) => {
                file.extend_from_slice(b"/default.nix");
                return Ok(crate::path::canonical(&file));
            }
            Ok(_) => return Ok(file),
            Err(error) => return Err(NoFile::Refused(file, error)),
        }
        let target = match world.read_link(&file) {
            Ok(target) => target,
            Err(error) => return Err(NoFile::Refused(file, error)),
        };
        if target.starts_with(b"/") {
            file = crate::path::canonical(&target);
        } else {
            let end = file.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            file = crate::path::canonical(&[&file[..end], &target].join(&b'/'));
        }
    }
    Err(NoFile::Links(file))
}
