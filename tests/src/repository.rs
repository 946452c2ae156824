//! Git repositories whose commits are the same on every machine.

use crate::run::{Run, text};
use std::fs;
use std::path::{Path, PathBuf};

/// A repository in a folder.
pub struct Repository {
    /// Where it is.
    pub path: PathBuf,
}

impl Repository {
    /// A new one.
    #[track_caller]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        fs::create_dir_all(&path).expect("a folder can be made");
        let repository = Repository { path };
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository
    }

    /// Writes a file.
    #[track_caller]
    pub fn write(&self, name: &str, contents: &str) {
        let path = self.path.join(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(path, contents).expect("a file can be written");
    }

    /// Commits all that is there; answers the commit.
    #[track_caller]
    pub fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git there.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.path).args(args).finish().success()
    }

    /// As an argument.
    pub fn text(&self) -> &str {
        text(&self.path)
    }
}

/// `git` in a folder, deaf to the settings of this machine and of this user.
pub fn git(folder: &Path) -> Run {
    let mut run = Run::new("git").dir(folder);
    for (name, value) in GIT_ENVIRONMENT {
        run = run.env(name, value);
    }
    run
}

/// Who commits and when, and which settings do not count.
pub const GIT_ENVIRONMENT: [(&str, &str); 11] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_COUNT", "1"),
    // A repository within another is on this machine, too.
    ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
    ("GIT_CONFIG_VALUE_0", "always"),
    ("GIT_AUTHOR_NAME", "Ada"),
    ("GIT_AUTHOR_EMAIL", "ada@example.org"),
    ("GIT_COMMITTER_NAME", "Ada"),
    ("GIT_COMMITTER_EMAIL", "ada@example.org"),
    ("GIT_AUTHOR_DATE", "1600000000 +0000"),
    ("GIT_COMMITTER_DATE", "1600000100 +0000"),
];
