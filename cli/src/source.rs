//! What is to be evaluated: a file, an expression from the command line, standard input.

use crate::failure::{Failure, Result, reason};
use crate::settings::{Mode, Settings};
use crate::world::search_path::Entry;
use crate::world::{Access, Files, Rule};
use piton_core::path::{canonical, parent};
use piton_core::source::Origin;
use piton_core::world::WorldError;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What the command line names.
#[derive(Clone, Debug)]
pub enum Named {
    /// A path, or `<name>`.
    File(Vec<u8>),
    /// An expression.
    Text(Vec<u8>),
    /// Standard input.
    Stdin,
}

impl Named {
    /// `--expr`, or a file, where `-` is standard input.
    pub fn new(file: &OsStr, expression: Option<&OsStr>) -> Self {
        match expression {
            Some(expression) => Named::Text(expression.as_bytes().to_vec()),
            None if file == "-" => Named::Stdin,
            None => Named::File(file.as_bytes().to_vec()),
        }
    }
}

/// Something to evaluate.
#[derive(Clone, Debug)]
pub enum Source {
    /// The file at an absolute path.
    File(Vec<u8>),
    /// A text.
    Text {
        /// Where it came from.
        origin: Origin,
        /// The text.
        text: Vec<u8>,
        /// Where its relative paths start.
        base: Vec<u8>,
    },
}

/// What is to be evaluated, and what may be read in doing so.
pub struct Plan {
    /// What is to be evaluated.
    pub sources: Vec<Source>,
    /// What may be read.
    pub access: Access,
    /// Where relative paths of expressions start.
    pub base: Vec<u8>,
    /// The folder that the process runs in.
    pub current_dir: Vec<u8>,
}

impl Plan {
    /// Finds what the command line names, and sets the bounds that the mode draws around it.
    pub fn new(settings: &Settings, named: &[Named]) -> Result<Self> {
        let current_dir = match std::env::current_dir() {
            Ok(path) => path.into_os_string().into_vec(),
            Err(error) => {
                return Err(Failure::new(format!(
                    "cannot get the current folder: {}",
                    reason(&error)
                )));
            }
        };
        let open = match settings.mode {
            Mode::RestrictEval => restricted(settings, &current_dir),
            _ => Access::new(Rule::Everything, Vec::new()),
        };
        let files = Files::new(open.clone());
        let mut plan = Plan {
            sources: Vec::new(),
            access: open,
            base: current_dir.clone(),
            current_dir,
        };
        let mut folders = Vec::new();
        let bounded = settings.mode == Mode::Pure || settings.no_impure;
        let mut texts = Vec::new();
        for named in named {
            let source = match named {
                Named::Text(text) => {
                    texts.push(plan.sources.len());
                    Source::Text {
                        origin: Origin::String,
                        text: text.clone(),
                        base: Vec::new(),
                    }
                }
                Named::Stdin => {
                    texts.push(plan.sources.len());
                    Source::Text {
                        origin: Origin::Stdin,
                        text: read_stdin()?,
                        base: Vec::new(),
                    }
                }
                Named::File(name) => {
                    let path = match search_name(name) {
                        Some(name) => find_file(settings, &files, &plan.current_dir, name)?,
                        None => absolute(name, &plan.current_dir),
                    };
                    if is_descriptor(&path) {
                        let text =
                            std::fs::read(crate::world::as_path(&path)).map_err(|error| {
                                Failure::new(format!(
                                    "cannot read '{}': {}",
                                    String::from_utf8_lossy(&path),
                                    reason(&error)
                                ))
                            })?;
                        let base = parent(&path).to_vec();
                        Source::Text {
                            origin: Origin::File(path.into()),
                            text,
                            base,
                        }
                    } else if bounded {
                        let (path, folder) = tree_of(&files, path);
                        folders.push(folder);
                        Source::File(path)
                    } else {
                        Source::File(path)
                    }
                }
            };
            plan.sources.push(source);
        }
        // An expression of the command line is not a file, and has no tree: with `--no-impure` alone it is at home in the
        // current folder, pure evaluation must not even tell where that is.
        let at_home = !texts.is_empty() && settings.mode == Mode::Default;
        plan.access = match settings.mode {
            _ if settings.no_impure => {
                if at_home {
                    folders.push(
                        files
                            .resolve(&plan.current_dir)
                            .unwrap_or_else(|_| plan.current_dir.clone()),
                    );
                }
                Access::new(
                    Rule::NoImpure,
                    if settings.mode == Mode::PureEval {
                        Vec::new()
                    } else {
                        folders
                    },
                )
            }
            Mode::Pure => Access::new(Rule::Pure, folders),
            Mode::PureEval => Access::new(Rule::Pure, Vec::new()),
            Mode::Default | Mode::RestrictEval => plan.access,
        };
        if settings.mode != Mode::Default && !plan.access.permits(&plan.current_dir) {
            plan.base = b"/".to_vec();
        }
        for index in texts {
            if let Source::Text { base, .. } = &mut plan.sources[index] {
                base.clone_from(&plan.base);
            }
        }
        Ok(plan)
    }
}

/// What restricted evaluation may read: the search path, by the name it is given and by what it comes to.
fn restricted(settings: &Settings, current_dir: &[u8]) -> Access {
    let files = Files::new(Access::new(Rule::Everything, Vec::new()));
    let mut folders = Vec::new();
    for entry in &settings.search_path {
        let path = absolute(&entry.path, current_dir);
        folders.extend(
            files
                .resolve(&path)
                .ok()
                .filter(|resolved| *resolved != path),
        );
        folders.push(path);
    }
    Access::new(Rule::Restricted, folders)
}

/// An entry file with its links resolved, and the folder that it is at home in.
fn tree_of(files: &Files, path: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let path = files.resolve(&path).unwrap_or(path);
    let is_folder = files.read_dir(&path).is_ok();
    let folder = if is_folder {
        path.clone()
    } else {
        parent(&path).to_vec()
    };
    if !is_folder {
        return (path, folder);
    }
    // The folder's `default.nix` may be a link to somewhere else; that is its home then.
    match files.resolve(&[&path[..], b"/default.nix"].concat()) {
        Ok(file) => {
            let folder = parent(&file).to_vec();
            (file, folder)
        }
        Err(_) => (path, folder),
    }
}

/// The path that a name on the command line stands for.
pub fn absolute(name: &[u8], current_dir: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") {
        canonical(name)
    } else {
        canonical(&[current_dir, name].join(&b'/'))
    }
}

/// `name` of `<name>`.
fn search_name(text: &[u8]) -> Option<&[u8]> {
    let name = text.strip_prefix(b"<")?.strip_suffix(b">")?;
    (!name.is_empty()).then_some(name)
}

/// Looks a name up in the search path, as `<name>` does.
pub fn find_file(
    settings: &Settings,
    files: &Files,
    current_dir: &[u8],
    name: &[u8],
) -> Result<Vec<u8>> {
    let shown = String::from_utf8_lossy(name);
    if matches!(settings.mode, Mode::Pure | Mode::PureEval) {
        let reason = "in pure evaluation mode (use '--impure' to override)";
        return Err(Failure::new(format!("cannot look up '<{shown}>' {reason}")));
    }
    let mut told: Vec<&Entry> = Vec::new();
    for entry in &settings.search_path {
        let Some(rest) = entry.rest_of(name) else {
            continue;
        };
        let folder = absolute(&entry.path, current_dir);
        if matches!(files.file_type(&folder), Err(WorldError::NotFound)) {
            if !told.iter().any(|earlier| earlier.path == entry.path) {
                told.push(entry);
                let path = String::from_utf8_lossy(&entry.path);
                crate::terminal::warn(&format!(
                    "Nix search path entry '{path}' does not exist, ignoring"
                ));
            }
            continue;
        }
        match files.resolve(&canonical(&[&folder, rest].join(&b'/'))) {
            Ok(path) => return Ok(path),
            Err(WorldError::Forbidden(text)) => return Err(Failure::new(text)),
            Err(_) => {}
        }
    }
    Err(Failure::new(format!(
        "file '{shown}' was not found in the Nix search path (add it using $NIX_PATH or -I)"
    )))
}

/// Whether a path names what the process has open already: `/dev/stdin`, or what a shell makes of `<(command)`. It is read as
/// it comes, to its end, where a pipe that has a name would be refused.
fn is_descriptor(path: &[u8]) -> bool {
    let is_number = |rest: &[u8]| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit);
    path == b"/dev/stdin"
        || [&b"/dev/fd/"[..], b"/proc/self/fd/"]
            .iter()
            .any(|prefix| path.strip_prefix(*prefix).is_some_and(is_number))
}

fn read_stdin() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    match std::io::stdin().lock().read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(format!(
            "cannot read standard input: {}",
            reason(&error)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_command_line() {
        for (text, expected) in [
            ("<a>", Some("a")),
            ("<a/b>", Some("a/b")),
            ("<>", None),
            ("a", None),
            ("<a", None),
        ] {
            assert_eq!(
                search_name(text.as_bytes()),
                expected.map(str::as_bytes),
                "{text}"
            );
        }
        for (path, expected) in [
            ("/dev/stdin", true),
            ("/dev/fd/63", true),
            ("/dev/fd/", false),
            ("/dev/null", false),
        ] {
            assert_eq!(is_descriptor(path.as_bytes()), expected, "{path}");
        }
        assert_eq!(absolute(b"a/../b", b"/c"), b"/c/b");
        assert_eq!(absolute(b"/a/.", b"/c"), b"/a");
    }
}
