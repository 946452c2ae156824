//! An evaluator within the process of the test, for what the command line does not show: roots, heap, messages.

use crate::built::shipped_plugin;
use piton_core::error::Error;
use piton_core::eval::{Evaluator, Options};
use piton_core::heap::Value;
use piton_core::host::LoadPolicy;
use piton_core::report::ReportOptions;
use piton_core::world::{Answer, FileInfo, FileType, Message, TakePiece, World, WorldError};
use std::cell::RefCell;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Messages that a program has shown.
type Messages = Rc<RefCell<Vec<(Message, String)>>>;

/// A world of real files, a clock that stands still and one environment variable, `GREETING`.
struct TestWorld {
    messages: Messages,
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn refused(error: std::io::Error) -> WorldError {
    match error.kind() {
        std::io::ErrorKind::NotFound => WorldError::NotFound,
        _ => WorldError::Other(error.to_string()),
    }
}

fn type_of(file: std::fs::FileType) -> FileType {
    if file.is_file() {
        FileType::Regular
    } else if file.is_dir() {
        FileType::Directory
    } else if file.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Unknown
    }
}

impl World for TestWorld {
    fn read_file(&self, file: &[u8]) -> Answer<Vec<u8>> {
        std::fs::read(path(file)).map_err(refused)
    }

    fn read_pieces(&self, file: &[u8], take: TakePiece<'_>) -> Answer<()> {
        let metadata = std::fs::metadata(path(file)).map_err(refused)?;
        let bytes = self.read_file(file)?;
        let info = FileInfo {
            length: bytes.len() as u64,
            executable: metadata.permissions().mode() & 0o100 != 0,
        };
        take(info, &bytes)
    }

    fn read_dir(&self, folder: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path(folder)).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            entries.push((
                entry.file_name().into_vec(),
                type_of(entry.file_type().map_err(refused)?),
            ));
        }
        Ok(entries)
    }

    fn file_type(&self, file: &[u8]) -> Answer<FileType> {
        Ok(type_of(
            std::fs::symlink_metadata(path(file))
                .map_err(refused)?
                .file_type(),
        ))
    }

    fn read_link(&self, file: &[u8]) -> Answer<Vec<u8>> {
        Ok(std::fs::read_link(path(file))
            .map_err(refused)?
            .into_os_string()
            .into_vec())
    }

    fn resolve(&self, file: &[u8]) -> Answer<Vec<u8>> {
        Ok(std::fs::canonicalize(path(file))
            .map_err(refused)?
            .into_os_string()
            .into_vec())
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        (name == b"GREETING").then(|| b"hello".to_vec())
    }

    fn current_dir(&self) -> Vec<u8> {
        b"/".to_vec()
    }

    fn time(&self) -> i64 {
        1_000_000_000
    }

    fn system(&self) -> Arc<str> {
        "test-system".into()
    }

    fn search_path(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn emit(&self, kind: Message, text: &[u8]) {
        self.messages
            .borrow_mut()
            .push((kind, String::from_utf8_lossy(text).into_owned()));
    }
}

/// An evaluator with its messages.
pub struct Inside {
    /// The evaluator.
    pub evaluator: Evaluator,
    messages: Messages,
}

/// An evaluator with the shipped plugins.
pub fn inside() -> Inside {
    let mut inside = Inside::bare(Options {
        features: ["flakes", "fetch-tree"].map(str::to_owned).into(),
        withheld: ["fetchClosure".to_owned()].into(),
        ..Options::default()
    });
    for name in ["pure", "impure"] {
        inside
            .load(&shipped_plugin(name))
            .unwrap_or_else(|error| panic!("{error}"));
    }
    inside
}

impl Inside {
    /// From now on compiles files ahead, on so many threads.
    pub fn compile_ahead(&mut self, threads: usize) {
        let world = || -> Box<dyn World> {
            Box::new(TestWorld {
                messages: Messages::default(),
            })
        };
        self.evaluator.compile_ahead(threads, Arc::new(world));
    }

    /// An evaluator without plugins.
    pub fn bare(options: Options) -> Inside {
        let messages = Messages::default();
        let evaluator = Evaluator::new(
            Box::new(TestWorld {
                messages: messages.clone(),
            }),
            options,
        );
        Inside {
            evaluator,
            messages,
        }
    }

    /// Loads a plugin.
    pub fn load(&mut self, file: &Path) -> Result<(), String> {
        self.load_with(file, &LoadPolicy::default())
    }

    /// Loads a plugin under a policy.
    pub fn load_with(&mut self, file: &Path, policy: &LoadPolicy) -> Result<(), String> {
        let bytes = File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.evaluator
            .load_plugin(file, bytes, policy)
            .map_err(|error| error.message.clone())
    }

    /// Evaluates to weak head normal form.
    pub fn value(&mut self, text: &str) -> Result<Value, Error> {
        self.evaluator.evaluate_text(text.as_bytes(), b"/")
    }

    /// Evaluates all of it and prints it.
    pub fn print(&mut self, text: &str) -> Result<String, Error> {
        let value = self.value(text)?;
        let value = self.evaluator.force_deep(value)?;
        Ok(String::from_utf8_lossy(&self.evaluator.print(value)).into_owned())
    }

    /// What `text` evaluates to, printed.
    #[track_caller]
    pub fn ok(&mut self, text: &str) -> String {
        match self.print(text) {
            Ok(printed) => printed,
            Err(error) => panic!(
                "{text}\n{}",
                self.evaluator.report(&error, ReportOptions::default())
            ),
        }
    }

    /// The message with which `text` fails.
    #[track_caller]
    pub fn fails(&mut self, text: &str) -> String {
        match self.print(text) {
            Ok(printed) => panic!("it did not fail: {text}\n{printed}"),
            Err(error) => error.message.clone(),
        }
    }

    /// The report of the error with which `text` fails.
    #[track_caller]
    pub fn report(&mut self, text: &str) -> String {
        match self.print(text) {
            Ok(printed) => panic!("it did not fail: {text}\n{printed}"),
            Err(error) => self.report_of(&error),
        }
    }

    /// What a file evaluates to, or the report of its error.
    pub fn outcome(&mut self, file: &Path) -> String {
        self.print(&format!("import {}", file.display()))
            .unwrap_or_else(|error| self.report_of(&error))
    }

    fn report_of(&self, error: &Error) -> String {
        let options = ReportOptions {
            show_trace: true,
            color: false,
        };
        self.evaluator.report(error, options)
    }

    /// Messages shown since the last look.
    pub fn messages(&mut self) -> Vec<(Message, String)> {
        self.messages.take()
    }

    /// Roots that plugins hold.
    pub fn roots(&self) -> usize {
        self.evaluator.vm().host.roots_in_use()
    }
}
