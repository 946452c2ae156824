//! Running programs: a clean environment, a generous time limit, and no tolerance for one that dies of a signal.

use std::ffi::{OsStr, OsString};
use std::fs::{create_dir_all, write};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// After this long a program hangs. Nothing that a test runs takes a tenth of it.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A program to run.
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
}

/// What a program that ended has said.
pub struct Finished {
    /// Its exit status.
    pub status: i32,
    /// Its output.
    pub stdout: Vec<u8>,
    /// Its errors.
    pub stderr: Vec<u8>,
}

impl Run {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Run {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdin: Vec::new(),
        }
    }

    /// One argument more.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable; the environment is empty but for `PATH` and an empty `HOME`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Where it runs.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Gives it no more address space than this: a limit that does not hold fails the test, not the machine.
    #[must_use]
    pub fn memory_limit_gigabytes(self, limit: u32) -> Self {
        let script = format!("ulimit -v {}; exec \"$0\" \"$@\"", u64::from(limit) << 20);
        let args = [OsString::from("-c"), script.into(), self.program.into()]
            .into_iter()
            .chain(self.args)
            .collect();
        Run {
            program: "sh".into(),
            args,
            ..self
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn finish(self) -> Finished {
        self.try_finish()
            .unwrap_or_else(|complaint| panic!("{complaint}"))
    }

    /// Runs it to its end; fails if it dies of a signal or does not end.
    pub fn try_finish(self) -> Result<Finished, String> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .env("HOME", "/homeless-shelter");
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
            .envs(self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run '{}': {error}", self.program.display()));
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        let mut stdin = child.stdin.take().expect("the program's input is a pipe");
        // It may end without having read all of it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&self.stdin)));
        let status = wait(&mut child);
        drop(writer.join());
        let stdout = stdout.join().expect("reading does not panic");
        let stderr = stderr.join().expect("reading does not panic");
        let end =
            String::from_utf8_lossy(&stderr[stderr.len().saturating_sub(2000)..]).into_owned();
        let complain = |what: &str| Err(format!("{:?} {what}\n{end}", shortened(&self.args)));
        let Some(status) = status else {
            return complain(&format!(
                "did not end within {} seconds",
                TIME_LIMIT.as_secs()
            ));
        };
        match status.code() {
            Some(status) => Ok(Finished {
                status,
                stdout,
                stderr,
            }),
            None => complain(&format!("died: {status}")),
        }
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("the program's output is a pipe");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still of use.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child) -> Option<std::process::ExitStatus> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if started.elapsed() > TIME_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The arguments, fit to be read: tests pass programs of a megabyte.
fn shortened(args: &[OsString]) -> Vec<String> {
    args.iter()
        .map(|arg| arg.to_string_lossy().chars().take(300).collect())
        .collect()
}

impl Finished {
    /// Its output as text, without the line feed at the end.
    pub fn out(&self) -> String {
        let text = String::from_utf8_lossy(&self.stdout);
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }

    /// Its errors as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The output of a program that succeeded.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.status, 0, "it failed:\n{}", self.err());
        self.out()
    }

    /// The errors of a program that failed as Piton fails: status 1, and nothing that looks like a crash.
    #[track_caller]
    pub fn failure(self) -> String {
        let err = self.err();
        assert_eq!(
            self.status,
            1,
            "status {}, output: {}\n{err}",
            self.status,
            self.out()
        );
        assert!(!err.contains("panicked at"), "it panicked:\n{err}");
        err
    }
}

/// `piton` with arguments.
pub fn piton_run<T: AsRef<OsStr>>(args: impl IntoIterator<Item = T>) -> Run {
    Run::new(crate::piton()).args(args)
}

/// What `piton eval --strict` prints for an expression, with more arguments before it.
#[track_caller]
pub fn eval(args: &[&str], expr: &str) -> String {
    piton_run(["eval", "--strict"])
        .args(args)
        .args(["--expr", expr])
        .finish()
        .success()
}

/// What `piton eval --strict` says when an expression fails.
#[track_caller]
pub fn eval_fails(args: &[&str], expr: &str) -> String {
    piton_run(["eval", "--strict"])
        .args(args)
        .args(["--expr", expr])
        .finish()
        .failure()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// A folder with these files: its owner, and its path.
pub fn files<B: AsRef<[u8]> + ?Sized>(files: &[(&str, &B)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().canonicalize().expect("the folder is there");
    for (name, contents) in files {
        let file = path.join(name);
        create_dir_all(file.parent().expect("a file is in a folder"))
            .expect("a folder can be made");
        write(file, contents).expect("a file can be written");
    }
    (folder, path)
}
