//! Stores beside each other: what Piton and Nix have written below two folders, and what each says of it.

use crate::run::{Run, piton_run};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What lies at a path of a store.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    Folder,
    Link(Vec<u8>),
    File { executable: bool, bytes: Vec<u8> },
}

/// A program and the store that it writes to.
pub struct Store {
    root: PathBuf,
    is_nix: bool,
}

impl Store {
    /// Debian's Nix with its store below `root`.
    pub fn of_nix(root: impl Into<PathBuf>) -> Self {
        Store {
            root: root.into(),
            is_nix: true,
        }
    }

    /// Piton with its store below `root`.
    pub fn of_piton(root: impl Into<PathBuf>) -> Self {
        Store {
            root: root.into(),
            is_nix: false,
        }
    }

    /// `nix-instantiate` with these arguments.
    pub fn instantiate(&self, args: &[&str]) -> Run {
        if self.is_nix {
            nix("nix-instantiate", &self.root).args(args)
        } else {
            let run = piton_run(["instantiate", "--store"]).arg(&self.root);
            run.args(args)
        }
    }

    /// What `expr` evaluates to, deeply, as JSON. What it adds to the store is written.
    #[track_caller]
    pub fn json_of(&self, expr: &str) -> String {
        let flags = ["--eval", "--strict", "--read-write-mode", "--json", "-E"];
        self.instantiate(&flags).arg(expr).finish().success()
    }

    /// Lets Nix know what has been written here.
    #[track_caller]
    pub fn register(&self) {
        let records = fs::read(self.root.join("nix/var/piton/registration"));
        let records = records.expect("Piton has written its records");
        nix("nix-store", &self.root)
            .arg("--load-db")
            .stdin(records)
            .finish()
            .success();
    }

    /// What Nix says of the contents of the store: status 0 if nothing is wrong.
    pub fn verify(&self) -> crate::Finished {
        nix("nix-store", &self.root)
            .args(["--verify", "--check-contents"])
            .finish()
    }

    /// What is known of each path: hash and length of its archive, references.
    #[track_caller]
    pub fn records(&self) -> BTreeMap<String, Vec<String>> {
        let text = if self.is_nix {
            let dump = nix("nix-store", &self.root).arg("--dump-db").finish();
            dump.success()
        } else {
            let records = fs::read_to_string(self.root.join("nix/var/piton/registration"));
            records.expect("Piton has written its records")
        };
        let mut lines = text.lines();
        let mut records = BTreeMap::new();
        while let Some(path) = lines.next() {
            let mut record: Vec<String> = lines.by_ref().take(4).map(str::to_owned).collect();
            let references: usize = record[3].parse().expect("a number of references");
            let mut references: Vec<String> =
                lines.by_ref().take(references).map(str::to_owned).collect();
            references.sort();
            record.extend(references);
            assert!(
                records.insert(path.to_owned(), record).is_none(),
                "two records of {path}"
            );
        }
        records
    }

    fn entries(&self) -> BTreeMap<PathBuf, Entry> {
        let folder = self.root.join("nix/store");
        let mut entries = BTreeMap::new();
        let mut todo = vec![folder.clone()];
        while let Some(path) = todo.pop() {
            let metadata = fs::symlink_metadata(&path).expect("it has just been listed");
            let entry = if metadata.is_dir() {
                let inner = fs::read_dir(&path).expect("a folder can be listed");
                // Nix keeps hard links of all files there.
                todo.extend(
                    inner
                        .map(|entry| entry.expect("a folder can be listed").path())
                        .filter(|path| !path.ends_with(".links")),
                );
                Entry::Folder
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a link can be read");
                Entry::Link(target.as_os_str().as_bytes().to_vec())
            } else {
                Entry::File {
                    executable: metadata.permissions().mode() & 0o111 != 0,
                    bytes: fs::read(&path).expect("a file can be read"),
                }
            };
            let below = path.strip_prefix(&folder).expect("it lies in the store");
            entries.insert(below.to_owned(), entry);
        }
        entries
    }

    /// Where two stores differ, in words; empty if nowhere.
    pub fn differences(&self, other: &Store) -> String {
        let (ours, theirs) = (self.entries(), other.entries());
        let mut text = String::new();
        for (path, entry) in &ours {
            match theirs.get(path) {
                Some(other) if other == entry => {}
                Some(other) => {
                    text.push_str(&format!("{}\n  {entry:?}\n  {other:?}\n", path.display()))
                }
                None => text.push_str(&format!("only in the first: {}\n", path.display())),
            }
        }
        for path in theirs.keys().filter(|path| !ours.contains_key(*path)) {
            text.push_str(&format!("only in the second: {}\n", path.display()));
        }
        text
    }

    /// How many store paths there are.
    pub fn len(&self) -> usize {
        let entries = self.entries();
        entries
            .keys()
            .filter(|path| path.components().count() == 1)
            .count()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A command of Debian's Nix with a store below `root`.
pub fn nix(command: &str, root: &Path) -> Run {
    let root = root.to_str().expect("a folder of the tests is UTF-8");
    Run::new(command).env("NIX_REMOTE", format!("local?root={root}"))
}
