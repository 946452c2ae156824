//! The `git` program. Nix runs it, too, where a repository is not at hand: it knows the user's keys, helpers and proxies, which
//! no library does in the same way.

use super::attrs::{Fault, fault};
use super::cache::{io_fault, make_folder};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository: a folder with a `.git`, or a bare one.
pub struct Repository {
    /// Where it is.
    pub path: PathBuf,
}

/// What is in a working tree.
pub struct WorkTree {
    /// The commit that is checked out, if there is any.
    pub head: Option<String>,
    /// Whether a file is not as in that commit.
    pub is_dirty: bool,
    /// What does not belong to it: files that git does not know, and `.git`.
    pub exclude: Vec<PathBuf>,
    /// Repositories within.
    pub submodules: Vec<PathBuf>,
}

/// An entry of a commit.
struct Entry {
    mode: Vec<u8>,
    object: String,
    path: Vec<u8>,
}

/// A repository that a commit has within.
pub struct Submodule {
    /// Where.
    pub path: PathBuf,
    /// Where it comes from.
    pub url: String,
    /// The branch to follow; may be empty.
    pub branch: String,
    /// The commit.
    pub rev: String,
}

fn command(folder: Option<&Path>) -> Command {
    let mut command = Command::new("git");
    if let Some(folder) = folder {
        command.arg("-C").arg(folder);
    }
    // A repository must be looked at, not written to; and nobody is there to answer a question.
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null());
    command
}

/// Runs git and answers what it printed; what it complains of is in the error.
fn run<S: AsRef<OsStr>>(
    folder: Option<&Path>,
    arguments: impl IntoIterator<Item = S>,
) -> Result<Vec<u8>, Fault> {
    let mut command = command(folder);
    command.args(arguments);
    let output = command.output().map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim_end();
    let how = match output.status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => "was killed".to_owned(),
    };
    if said.is_empty() {
        fault(format!("program 'git' {how}"))
    } else {
        fault(format!("program 'git' {how}:\n{said}"))
    }
}

#[cold]
fn missing(error: &std::io::Error) -> Fault {
    Fault::Other(format!(
        "cannot run the program 'git', which fetching from Git repositories needs: {error}"
    ))
}

fn line(output: Vec<u8>) -> String {
    String::from_utf8_lossy(&output).trim_end().to_owned()
}

/// The paths in what git prints with `-z`.
fn paths(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
}

/// The branch that `HEAD` of a remote repository is, if it says so.
pub fn remote_head(url: &str) -> Result<Option<String>, Fault> {
    let output = line(run(None, ["ls-remote", "--symref", "--", url, "HEAD"])?);
    let first = output.lines().next().unwrap_or_default();
    Ok(match first.split_once('\t') {
        Some((target, "HEAD")) => match target.strip_prefix("ref: ") {
            Some(branch) => Some(branch.to_owned()),
            None => Some(target.to_owned()),
        },
        _ => None,
    })
}

impl Repository {
    /// The repository in a folder.
    pub fn new(path: &Path) -> Self {
        Repository {
            path: path.to_owned(),
        }
    }

    /// The bare clone in a folder, made if there is none.
    pub fn bare(path: &Path, origin: &str) -> Result<Self, Fault> {
        let repository = Repository::new(path);
        if !path.join("HEAD").exists() {
            make_folder(path)?;
            repository.run(["init", "--quiet", "--bare", "."])?;
        }
        repository.run(["config", "remote.origin.url", origin])?;
        Ok(repository)
    }

    fn run<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Vec<u8>, Fault> {
        run(Some(&self.path), arguments)
    }

    /// Fetches `refspec` from `url`.
    pub fn fetch(&self, url: &str, refspec: &str, shallow: bool) -> Result<(), Fault> {
        let mut arguments = vec!["fetch", "--quiet", "--force"];
        if shallow {
            arguments.extend(["--depth", "1"]);
        }
        arguments.extend(["--", url, refspec]);
        self.run(arguments).map(drop)
    }

    /// Whether the commit is here.
    pub fn has(&self, rev: &str) -> bool {
        self.run(["cat-file", "-e", &format!("{rev}^{{commit}}")])
            .is_ok()
    }

    /// The commit that a reference is.
    pub fn resolve(&self, reference: &str) -> Result<String, Fault> {
        let commit = format!("{reference}^{{commit}}");
        match self.run([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ]) {
            Ok(output) => Ok(line(output)),
            // It says by this code that there is none; by others that it could not look.
            Err(fault) if !fault.text().ends_with("failed with exit code 1") => Err(fault),
            Err(_) => fault(format!(
                "resolving Git reference '{reference}': revspec '{reference}' not found (libgit2 error code = 4)"
            )),
        }
    }

    /// The branch that is checked out, as in `refs/heads/main`.
    pub fn branch(&self) -> Option<String> {
        self.run(["symbolic-ref", "--quiet", "HEAD"]).ok().map(line)
    }

    /// When a commit was made.
    pub fn last_modified(&self, rev: &str) -> Result<u64, Fault> {
        let time = self.run(["log", "-1", "--no-show-signature", "--format=%ct", rev])?;
        Ok(line(time).parse().unwrap_or(0))
    }

    /// How many commits led to a commit, itself included.
    pub fn count(&self, rev: &str) -> Result<u64, Fault> {
        let count = self.run(["rev-list", "--count", rev])?;
        Ok(line(count).parse().unwrap_or(0))
    }

    /// Whether older commits are missing.
    pub fn is_shallow(&self) -> bool {
        self.run(["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|answer| line(answer) == "true")
    }

    /// The URL that it was cloned from.
    pub fn origin(&self) -> Option<String> {
        self.run(["config", "--get", "remote.origin.url"])
            .ok()
            .map(line)
    }

    /// What is in the working tree.
    pub fn work_tree(&self, export_ignore: bool) -> Result<WorkTree, Fault> {
        let head = self
            .run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .ok()
            .map(line);
        let status = self.run([
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=all",
        ])?;
        let others = self.run(["ls-files", "-z", "--others", "--directory"])?;
        let mut exclude: Vec<PathBuf> = paths(&others)
            .map(|path| {
                self.path
                    .join(as_path(path.strip_suffix(b"/").unwrap_or(path)))
            })
            .collect();
        exclude.push(self.path.join(".git"));
        let mut submodules = Vec::new();
        let mut files = Vec::new();
        for entry in paths(&self.run(["ls-files", "-z", "--stage"])?) {
            let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
                continue;
            };
            let path = &entry[tab + 1..];
            if entry.starts_with(b"160000 ") {
                submodules.push(as_path(path).to_owned());
            } else {
                files.push(path.to_vec());
            }
        }
        if export_ignore {
            let ignored = self.ignored_on_export(None, &files)?;
            exclude.extend(ignored.iter().map(|path| self.path.join(as_path(path))));
        }
        Ok(WorkTree {
            head,
            is_dirty: !status.is_empty(),
            exclude,
            submodules,
        })
    }

    /// Writes the files of a commit to `folder`; of repositories within, empty folders.
    pub fn write(&self, rev: &str, folder: &Path, export_ignore: bool) -> Result<(), Fault> {
        let mut entries = self.entries(rev)?;
        if export_ignore {
            let files: Vec<Vec<u8>> = entries.iter().map(|entry| entry.path.clone()).collect();
            let ignored = self.ignored_on_export(Some(rev), &files)?;
            entries.retain(|entry| {
                !ignored.iter().any(|path| {
                    let rest = entry.path.strip_prefix(&path[..]);
                    rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
                })
            });
        }
        let mut objects = Objects::new(&self.path, &entries)?;
        for entry in &entries {
            let path = folder.join(as_path(&entry.path));
            if let Some(parent) = path.parent() {
                make_folder(parent)?;
            }
            let fail = |error| io_fault("writing", &path, &error);
            match &entry.mode[..] {
                b"160000" => make_folder(&path)?,
                b"120000" => {
                    let target = objects.next(&entry.object)?;
                    std::os::unix::fs::symlink(as_path(&target), &path).map_err(fail)?;
                }
                mode => {
                    let contents = objects.next(&entry.object)?;
                    fs::write(&path, contents).map_err(fail)?;
                    let mode = if mode == b"100755" { 0o755 } else { 0o644 };
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(fail)?;
                }
            }
        }
        Ok(())
    }

    fn entries(&self, rev: &str) -> Result<Vec<Entry>, Fault> {
        let output = self.run(["ls-tree", "-r", "-z", "--full-tree", rev])?;
        let mut entries = Vec::new();
        for entry in paths(&output) {
            // "<mode> <type> <object>\t<path>"
            let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
                continue;
            };
            let mut words = entry[..tab].split(|byte| *byte == b' ');
            let (mode, object) = (words.next(), words.nth(1));
            let path = entry[tab + 1..].to_vec();
            // git refuses to make such names, but an object may hold anything.
            let leads_out = path
                .split(|byte| *byte == b'/')
                .any(|part| part.is_empty() || part == b"." || part == b".." || part == b".git");
            if leads_out {
                return fault(format!(
                    "commit '{rev}' has a file of the name '{}'",
                    String::from_utf8_lossy(&path)
                ));
            }
            entries.push(Entry {
                mode: mode.unwrap_or_default().to_vec(),
                object: String::from_utf8_lossy(object.unwrap_or_default()).into_owned(),
                path,
            });
        }
        Ok(entries)
    }

    /// The repositories that a commit has within, as its `.gitmodules` has them.
    pub fn submodules(&self, rev: &str) -> Result<Vec<Submodule>, Fault> {
        let blob = format!("{rev}:.gitmodules");
        let Ok(output) = self.run(["config", "--blob", &blob, "-z", "--list"]) else {
            return Ok(Vec::new());
        };
        let output = String::from_utf8_lossy(&output).into_owned();
        let settings: Vec<(&str, &str)> = output
            .split('\0')
            .filter_map(|setting| setting.split_once('\n'))
            .collect();
        let setting = |name: &str, key: &str| {
            let wanted = format!("submodule.{name}.{key}");
            let found = settings.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        let links: Vec<Entry> = self
            .entries(rev)?
            .into_iter()
            .filter(|entry| entry.mode == b"160000")
            .collect();
        let mut submodules = Vec::new();
        for (key, path) in &settings {
            let Some(name) = key
                .strip_prefix("submodule.")
                .and_then(|rest| rest.strip_suffix(".path"))
            else {
                continue;
            };
            let (Some(link), Some(url)) = (
                links.iter().find(|link| link.path == path.as_bytes()),
                setting(name, "url"),
            ) else {
                continue;
            };
            submodules.push(Submodule {
                path: PathBuf::from(path),
                url,
                branch: setting(name, "branch").unwrap_or_default(),
                rev: link.object.clone(),
            });
        }
        Ok(submodules)
    }

    /// Which files and folders `.gitattributes` keep out of exports: of a commit, or of the working tree.
    fn ignored_on_export(
        &self,
        rev: Option<&str>,
        files: &[Vec<u8>],
    ) -> Result<Vec<Vec<u8>>, Fault> {
        let is_attributes =
            |path: &Vec<u8>| path == b".gitattributes" || path.ends_with(b"/.gitattributes");
        if !files.iter().any(is_attributes) && !self.has_own_attributes() {
            return Ok(Vec::new());
        }
        let mut paths_to_ask = std::collections::BTreeSet::new();
        for file in files {
            paths_to_ask.insert(&file[..]);
            for (index, _) in file.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                paths_to_ask.insert(&file[..index]);
            }
        }
        let mut command = command(Some(&self.path));
        command.args(["check-attr", "--stdin", "-z"]);
        if let Some(rev) = rev {
            command.arg(format!("--source={rev}"));
        }
        command.args(["export-ignore"]);
        let mut input = Vec::new();
        for path in paths_to_ask {
            input.extend_from_slice(path);
            input.push(0);
        }
        let output = pipe(command, input)?;
        // path, attribute, value
        let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
        Ok(fields
            .chunks_exact(3)
            .filter(|fields| fields[2] == b"set")
            .map(|fields| fields[0].to_vec())
            .collect())
    }

    fn has_own_attributes(&self) -> bool {
        let path = self.run(["rev-parse", "--git-path", "info/attributes"]);
        path.is_ok_and(|path| self.path.join(line(path)).exists())
    }
}

/// Runs a command with that input and answers what it prints.
fn pipe(mut command: Command, input: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| missing(&error))?;
    let stdin = child.stdin.take();
    // From another thread: git prints while it reads.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&input);
        }
    });
    let output = child.wait_with_output().map_err(|error| missing(&error))?;
    let _ = writer.join();
    if output.status.success() {
        Ok(output.stdout)
    } else {
        fault("program 'git' failed to tell attributes of files")
    }
}

/// The contents of objects, one after the other.
struct Objects {
    child: std::process::Child,
    output: Option<BufReader<std::process::ChildStdout>>,
}

impl Objects {
    fn new(repository: &Path, entries: &[Entry]) -> Result<Self, Fault> {
        let mut child = command(Some(repository))
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| missing(&error))?;
        let mut input = String::new();
        for entry in entries.iter().filter(|entry| entry.mode != b"160000") {
            input.push_str(&entry.object);
            input.push('\n');
        }
        let stdin = child.stdin.take();
        std::thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input.as_bytes());
            }
        });
        let output = child.stdout.take().map(BufReader::new);
        Ok(Objects { child, output })
    }

    /// The contents of the next object, which is this one.
    fn next(&mut self, object: &str) -> Result<Vec<u8>, Fault> {
        let broken = || Fault::Other(format!("git object '{object}' cannot be read"));
        let output = self.output.as_mut().ok_or_else(broken)?;
        // "<object> <type> <size>\n<contents>\n"
        let mut head = String::new();
        output.read_line(&mut head).map_err(|_| broken())?;
        let size = head
            .strip_prefix(object)
            .and_then(|rest| rest.strip_prefix(" blob "))
            .and_then(|size| size.trim_end().parse::<usize>().ok())
            .ok_or_else(broken)?;
        let mut contents = vec![0; size + 1];
        output.read_exact(&mut contents).map_err(|_| broken())?;
        contents.pop();
        Ok(contents)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.output = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The URL of a repository within, which may be relative to that of the repository around it.
pub fn submodule_url(url: &str, origin: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let mut base = origin.trim_end_matches('/').to_owned();
    let mut rest = url;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            rest = after;
            let end = base.rfind(['/', ':']).unwrap_or(0);
            base.truncate(end);
        } else {
            return format!("{base}/{rest}");
        }
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// A path as text; what is no UTF-8 is replaced.
pub fn path_text(path: &Path) -> String {
    let bytes = path.as_os_str().to_owned().into_vec();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::submodule_url;

    #[test]
    fn urls_of_repositories_within() {
        for (url, origin, expected) in [
            ("https://x.org/a", "/b", "https://x.org/a"),
            ("../a.git", "https://x.org/u/b.git", "https://x.org/u/a.git"),
            ("../../a", "/r/u/b/", "/r/a"),
            ("./a", "/r/b", "/r/b/a"),
        ] {
            assert_eq!(submodule_url(url, origin), expected);
        }
    }
}
