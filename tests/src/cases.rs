//! Language cases: `tests/language/<theme>/<name>.nix` beside what it evaluates to (`.exp`) or how it fails (`.err`), and
//! arguments for the command line (`.flags`). A theme's folder `data` holds what its cases read.
//!
//! An `.exp` file is what Nix prints, byte for byte. An `.err` file is the whole report; `$CASES` stands for the folder of the
//! cases.

use crate::run::{Finished, piton_run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The theme whose cases must fail: what Piton does not do yet.
pub const WISHLIST: &str = "wishlist";

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// `theme/name`.
    pub name: String,
}

/// What is wrong with a case.
pub type Complaint = String;

/// The folder of the cases.
pub fn root() -> PathBuf {
    // As the program tells it: links resolved.
    crate::source_dir("tests/language")
        .canonicalize()
        .expect("there are cases")
}

impl Case {
    /// Its theme.
    pub fn theme(&self) -> &str {
        self.name.split_once('/').map_or("", |(theme, _)| theme)
    }

    /// The file of it with that extension.
    pub fn file(&self, extension: &str) -> PathBuf {
        root().join(format!("{}.{extension}", self.name))
    }

    fn read(&self, extension: &str) -> Option<String> {
        std::fs::read(self.file(extension))
            .ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Runs it, with more arguments.
    pub fn run(&self, args: &[&str]) -> Result<Finished, Complaint> {
        let flags = self.read("flags").unwrap_or_default();
        let mut finished = piton_run(["instantiate", "--eval", "--strict"])
            .args(args)
            .args(flags.split_whitespace())
            .arg(format!("{}.nix", self.name))
            .dir(root())
            .try_finish()?;
        finished.stderr = finished
            .err()
            .replace(crate::run::text(&root()), "$CASES")
            .into_bytes();
        Ok(finished)
    }

    /// Compares what was said with what is expected.
    pub fn check(&self, finished: &Finished) -> Result<(), Complaint> {
        let (status, said, expected) = match (self.read("exp"), self.read("err")) {
            (Some(expected), None) => (
                0,
                String::from_utf8_lossy(&finished.stdout).into_owned(),
                expected,
            ),
            (None, Some(expected)) => (1, finished.err(), expected),
            (None, None) => return Err(format!("{}: neither .exp nor .err", self.name)),
            (Some(_), Some(_)) => return Err(format!("{}: both .exp and .err", self.name)),
        };
        if finished.status == status && said == expected {
            return Ok(());
        }
        let (name, found) = (&self.name, finished.status);
        let said = if found == 0 {
            String::from_utf8_lossy(&finished.stdout).into_owned()
        } else {
            finished.err()
        };
        Err(format!(
            "{name}: exit status {found}\n--- expected (status {status})\n{expected}--- found\n{said}"
        ))
    }

    /// Makes what was said the expectation.
    pub fn accept(&self, finished: &Finished) {
        let (extension, other, text) = match finished.status {
            0 => ("exp", "err", &finished.stdout),
            _ => ("err", "exp", &finished.stderr),
        };
        std::fs::write(self.file(extension), text).expect("an expectation can be written");
        let _ = std::fs::remove_file(self.file(other));
    }
}

/// The cases that hold and take no arguments: what can be evaluated within the test.
pub fn without_arguments() -> Vec<Case> {
    let (mut cases, _) = discover();
    cases.retain(|case| case.theme() != WISHLIST && !case.file("flags").exists());
    cases
}

/// All cases, and what stands in the folder without being part of one.
pub fn discover() -> (Vec<Case>, Vec<Complaint>) {
    let (mut cases, mut complaints) = (BTreeSet::new(), Vec::new());
    let mut others = Vec::new();
    for theme in entries(&root()) {
        if !theme.is_dir() {
            complaints.push(format!("{}: a file outside of a theme", theme.display()));
            continue;
        }
        for file in entries(&theme) {
            let extension = file
                .extension()
                .and_then(|text| text.to_str())
                .unwrap_or_default();
            let name = crate::run::text(file.strip_prefix(root()).expect("it is below")).to_owned();
            match extension {
                "nix" => {
                    cases.insert(Case {
                        name: name.trim_end_matches(".nix").to_owned(),
                    });
                }
                "exp" | "err" | "flags" => {
                    let stem = name
                        .rsplit_once('.')
                        .map_or("", |(stem, _)| stem)
                        .to_owned();
                    others.push((Case { name: stem }, name));
                }
                _ if name.ends_with("/data") && file.is_dir() => {}
                _ => complaints.push(format!("{name}: no part of a case")),
            }
        }
    }
    for (case, name) in others {
        if !cases.contains(&case) {
            complaints.push(format!("{name}: there is no {}.nix", case.name));
        }
    }
    (cases.into_iter().collect(), complaints)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = read
        .map(|entry| entry.expect("a folder can be read").path())
        .collect();
    entries.sort();
    entries
}

/// Runs `work` over all of `items` on as many threads as there are processors, and gathers what it complains of.
pub fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), Complaint> + Sync,
) -> Vec<Complaint> {
    let queue = Mutex::new(items.iter());
    let complaints = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("taking an item does not panic").next();
                    let Some(item) = next else { return };
                    if let Err(complaint) = work(item) {
                        complaints
                            .lock()
                            .expect("noting a complaint does not panic")
                            .push(complaint);
                    }
                }
            });
        }
    });
    let mut complaints = complaints
        .into_inner()
        .expect("noting a complaint does not panic");
    complaints.sort();
    complaints
}

/// Fails with all complaints, if there are any.
#[track_caller]
pub fn no_complaints(complaints: &[Complaint]) {
    assert!(
        complaints.is_empty(),
        "{} complaints:\n\n{}\n",
        complaints.len(),
        complaints.join("\n\n")
    );
}
