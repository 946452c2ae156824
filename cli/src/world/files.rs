//! Files. Reading never waits: what is not a plain file is refused. Under a rule of access every step of a path is checked, so
//! that no symbolic link leads out of what may be read, and nothing shows of files that may not.

use super::access::Access;
use crate::failure::reason;
use piton_core::world::{Answer, FileInfo, FileType, TakePiece, WorldError};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

/// How many links a path may go through, as in Nix.
const MAX_LINKS: u32 = 1024;

/// The file system, as far as it may be read.
pub struct Files {
    access: Access,
    /// Paths that are known not to be links: `import` resolves the same folders again and again.
    plain: RefCell<HashSet<Vec<u8>>>,
    resolved: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
    /// Room for a piece of a file, used again for the next one: new room is written to before it is read into.
    room: RefCell<Vec<u8>>,
}

impl Files {
    /// The file system under these rules.
    pub fn new(access: Access) -> Self {
        Files {
            access,
            plain: RefCell::default(),
            resolved: RefCell::default(),
            room: RefCell::default(),
        }
    }

    /// The rules.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// From now on `path` and what lies below may be read. It is what its links lead to that counts.
    pub fn permit(&self, path: &[u8]) {
        if !self.access.is_unlimited() {
            let path = fs::canonicalize(as_path(path))
                .map_or_else(|_| path.to_vec(), |path| path.into_os_string().into_vec());
            self.access.permit(&path);
        }
    }

    /// The bytes of a file; links are followed.
    pub fn read_file(&self, path: &[u8]) -> Answer<Vec<u8>> {
        let target = self.target(path)?;
        read_plain(as_path(&target)).map_err(|error| error.answer(path))
    }

    /// The bytes of a file in pieces; links are followed.
    pub fn read_pieces(&self, path: &[u8], take: TakePiece<'_>) -> Answer<()> {
        let mut room = self.room.take();
        let answer = self.read_through(path, &mut room, take);
        self.room.replace(room);
        answer
    }

    fn read_through(&self, path: &[u8], room: &mut Vec<u8>, take: TakePiece<'_>) -> Answer<()> {
        let target = self.target(path)?;
        let fail = |error: io::Error| ReadError::System(error).answer(path);
        let (mut file, info) = open_plain(as_path(&target)).map_err(|error| error.answer(path))?;
        let length = info.length;
        if length == 0 {
            // It may be one of those that do not say how long they are.
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(fail)?;
            let length = bytes.len() as u64;
            return take(FileInfo { length, ..info }, &bytes);
        }
        let limit = usize::try_from(length).map_or(PIECE, |length| length.min(PIECE));
        if room.len() < limit {
            room.resize(limit, 0);
        }
        let mut count = read_into(&mut file, &mut room[..limit]).map_err(fail)?;
        let mut done = count as u64;
        if done < PIECE as u64 {
            return take(
                FileInfo {
                    length: done,
                    ..info
                },
                &room[..count],
            );
        }
        while count > 0 && done <= length {
            take(info, &room[..count])?;
            count = read_into(&mut file, &mut room[..limit]).map_err(fail)?;
            done += count as u64;
        }
        if done == length {
            return Ok(());
        }
        let path = text(path);
        Err(WorldError::Other(format!(
            "file '{path}' has changed while it was read"
        )))
    }

    /// Names and types of what is in a folder and may be seen.
    pub fn read_dir(&self, path: &[u8]) -> Answer<Vec<(Vec<u8>, FileType)>> {
        let target = self.target(path)?;
        let fail = |error: io::Error| {
            refusal(&error, || {
                format!("cannot read directory \"{}\"", text(path))
            })
        };
        let listed = match fs::read_dir(as_path(&target)) {
            // That something of another kind is there is told of it.
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                fs::metadata(as_path(&target)).map_err(fail)?;
                return Err(WorldError::Other(format!(
                    "cannot read directory \"{}\": Not a directory",
                    text(path)
                )));
            }
            listed => listed.map_err(fail)?,
        };
        let mut entries = Vec::new();
        for entry in listed {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().into_vec();
            if !self.access.is_unlimited() && !self.access.permits(&join(&target, &name)) {
                continue;
            }
            entries.push((name, kind_of(entry.file_type().map_err(fail)?)));
        }
        Ok(entries)
    }

    /// What is at a path; a link there is not followed.
    pub fn file_type(&self, path: &[u8]) -> Answer<FileType> {
        let place = self.place(path)?;
        match fs::symlink_metadata(as_path(&place)) {
            Ok(metadata) => Ok(kind_of(metadata.file_type())),
            Err(error) => Err(refusal(&error, || {
                format!("getting status of '{}'", text(path))
            })),
        }
    }

    /// What a symbolic link says.
    pub fn read_link(&self, path: &[u8]) -> Answer<Vec<u8>> {
        let place = self.place(path)?;
        match fs::read_link(as_path(&place)) {
            Ok(target) => Ok(target.into_os_string().into_vec()),
            Err(error) => Err(refusal(&error, || {
                format!("reading symbolic link '{}'", text(path))
            })),
        }
    }

    /// The path to hand to the system to look at what is there without following a link.
    fn place<'p>(&self, path: &'p [u8]) -> Answer<Cow<'p, [u8]>> {
        if self.access.is_unlimited() {
            return Ok(Cow::Borrowed(path));
        }
        let place = match split(path) {
            Some((folder, name)) => join(&self.resolve_unchecked(folder)?, name),
            None => b"/".to_vec(),
        };
        self.access.check(&place)?;
        Ok(Cow::Owned(place))
    }

    /// The path with all links resolved; it exists and may be read.
    pub fn resolve(&self, path: &[u8]) -> Answer<Vec<u8>> {
        if let Some(resolved) = self.resolved.borrow().get(path) {
            return Ok(resolved.clone());
        }
        let resolved = self.resolve_unchecked(path)?;
        self.access.check(&resolved)?;
        self.resolved
            .borrow_mut()
            .insert(path.to_vec(), resolved.clone());
        Ok(resolved)
    }

    /// The path to hand to the system: under a rule the resolved one, so that what has been checked is what is read.
    fn target(&self, path: &[u8]) -> Answer<Vec<u8>> {
        if self.access.is_unlimited() {
            Ok(path.to_vec())
        } else {
            self.resolve(path)
        }
    }

    /// The path with all links resolved, as far as they may be looked at; so far it exists.
    fn resolve_unchecked(&self, path: &[u8]) -> Answer<Vec<u8>> {
        let mut todo = components(path);
        let mut out: Vec<u8> = Vec::with_capacity(path.len());
        let mut links = 0;
        while let Some(name) = todo.pop() {
            match &name[..] {
                b"" | b"." => continue,
                b".." => {
                    let end = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                    out.truncate(end);
                    continue;
                }
                _ => {}
            }
            out.push(b'/');
            out.extend_from_slice(&name);
            if self.plain.borrow().contains(&out) || !self.access.permits(&out) {
                continue;
            }
            match fs::read_link(as_path(&out)) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(WorldError::Other(format!(
                            "infinite symlink recursion in path '{}'",
                            text(path)
                        )));
                    }
                    let target = target.into_os_string().into_vec();
                    if target.starts_with(b"/") {
                        out.clear();
                    } else {
                        out.truncate(out.len() - name.len() - 1);
                    }
                    todo.extend(components(&target));
                }
                // What is not a link.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    self.plain.borrow_mut().insert(out.clone());
                }
                Err(error) => {
                    return Err(refusal(&error, || {
                        format!("reading symlink '{}'", text(&out))
                    }));
                }
            }
        }
        if out.is_empty() {
            out.push(b'/');
        }
        Ok(out)
    }
}

/// Why a file cannot be read.
pub enum ReadError {
    /// The system says so.
    System(io::Error),
    /// It is no file that can be read to its end.
    Kind(&'static str),
}

impl ReadError {
    fn answer(self, path: &[u8]) -> WorldError {
        match self {
            ReadError::System(error) => {
                refusal(&error, || format!("opening file '{}'", text(path)))
            }
            ReadError::Kind(what) => {
                WorldError::Other(format!("cannot read '{}': it is {what}", text(path)))
            }
        }
    }
}

/// How much of a file is held in memory where not all of it is needed at once.
const PIECE: usize = 1 << 18;

/// A plain file, and what it says of itself: files in /proc say that they are empty. Anything else could keep the evaluation
/// waiting, or never end.
fn open_plain(path: &Path) -> Result<(fs::File, FileInfo), ReadError> {
    let metadata = fs::metadata(path).map_err(ReadError::System)?;
    let kind = metadata.file_type();
    if !kind.is_file() && path != Path::new("/dev/null") {
        return Err(ReadError::Kind(if kind.is_dir() {
            "a directory"
        } else if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        }));
    }
    let file = fs::File::open(path).map_err(ReadError::System)?;
    let info = FileInfo {
        length: metadata.len(),
        executable: metadata.permissions().mode() & 0o100 != 0,
    };
    Ok((file, info))
}

/// The bytes of a plain file.
fn read_plain(path: &Path) -> Result<Vec<u8>, ReadError> {
    let (mut file, info) = open_plain(path)?;
    let mut bytes = Vec::new();
    match usize::try_from(info.length) {
        Ok(length @ 1..=MAX_AT_ONCE) => read_up_to(&mut file, &mut bytes, length),
        // It does not say how long it is, or more than anybody believes.
        _ => file.read_to_end(&mut bytes).map(|_| ()),
    }
    .map_err(ReadError::System)?;
    Ok(bytes)
}

/// What says that it is longer is not to be read with [`read_up_to`].
pub const MAX_AT_ONCE: usize = 1 << 30;

/// Reads so many bytes into `bytes`, or fewer where the file ends, without asking for the end of one that is as long as it says.
pub fn read_up_to(file: &mut fs::File, bytes: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    bytes.resize(limit, 0);
    let count = read_into(file, bytes)?;
    bytes.truncate(count);
    Ok(())
}

/// Reads until `room` is full or the file ends; answers how many bytes came.
fn read_into(file: &mut fs::File, room: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < room.len() {
        match file.read(&mut room[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn refusal(error: &io::Error, action: impl FnOnce() -> String) -> WorldError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => WorldError::NotFound,
        _ => WorldError::Other(format!("{}: {}", action(), reason(error))),
    }
}

fn kind_of(kind: fs::FileType) -> FileType {
    if kind.is_file() {
        FileType::Regular
    } else if kind.is_dir() {
        FileType::Directory
    } else if kind.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Unknown
    }
}

/// The names of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .map(<[u8]>::to_vec)
        .collect()
}

/// Folder and name of a canonical path; the root has none.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = path.iter().rposition(|byte| *byte == b'/')?;
    let name = &path[at + 1..];
    (!name.is_empty()).then_some((&path[..at.max(1)], name))
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    [folder, name].join(&b'/')
}

/// Bytes as the system takes them.
pub fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::access::Rule;
    use super::*;
    use std::os::unix::fs::symlink;

    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("piton-files-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("in/sub")).expect("scratch folder");
            fs::create_dir_all(path.join("out")).expect("scratch folder");
            fs::write(path.join("in/sub/file"), "inside").expect("scratch file");
            fs::write(path.join("out/secret"), "outside").expect("scratch file");
            symlink("sub/file", path.join("in/good")).expect("scratch link");
            symlink("../out/secret", path.join("in/bad")).expect("scratch link");
            symlink("../out", path.join("in/away")).expect("scratch link");
            symlink("loop", path.join("in/loop")).expect("scratch link");
            Scratch(path.canonicalize().expect("scratch folder"))
        }

        fn path(&self, name: &str) -> Vec<u8> {
            self.0.join(name).into_os_string().into_vec()
        }

        fn files(&self, rule: Rule) -> Files {
            Files::new(Access::new(rule, vec![self.path("in")]))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn links_do_not_lead_out() {
        let scratch = Scratch::new("links");
        for rule in [Rule::Pure, Rule::Restricted, Rule::NoImpure] {
            let files = scratch.files(rule);
            assert_eq!(
                files.read_file(&scratch.path("in/good")).as_deref(),
                Ok(&b"inside"[..])
            );
            assert_eq!(
                files.resolve(&scratch.path("in/good")),
                Ok(scratch.path("in/sub/file"))
            );
            for name in ["in/bad", "in/away/secret", "out/secret"] {
                let path = scratch.path(name);
                assert!(
                    matches!(files.read_file(&path), Err(WorldError::Forbidden(_))),
                    "{rule:?} {name}"
                );
                assert!(
                    matches!(files.resolve(&path), Err(WorldError::Forbidden(_))),
                    "{rule:?} {name}"
                );
            }
            assert_eq!(
                files.file_type(&scratch.path("in/bad")),
                Ok(FileType::Symlink)
            );
            assert!(matches!(
                files.file_type(&scratch.path("in/away/secret")),
                Err(WorldError::Forbidden(_))
            ));
            assert!(matches!(
                files.read_dir(&scratch.path("in/away")),
                Err(WorldError::Forbidden(_))
            ));
            assert!(matches!(
                files.resolve(&scratch.path("in/loop")),
                Err(WorldError::Other(_))
            ));
            assert_eq!(
                files.resolve(&scratch.path("in/none")),
                Err(WorldError::NotFound)
            );
        }
    }

    #[test]
    fn restricted_folders_show_what_leads_to_the_permitted() {
        let scratch = Scratch::new("restricted");
        let names = |files: &Files, path: &str| {
            files
                .read_dir(&scratch.path(path))
                .map(|entries| entries.into_iter().map(|entry| entry.0).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&scratch.files(Rule::Restricted), ""),
            Ok(vec![b"in".to_vec()])
        );
        assert!(matches!(
            names(&scratch.files(Rule::Pure), ""),
            Err(WorldError::Forbidden(_))
        ));
    }

    #[test]
    fn everything_is_read_without_a_rule() {
        let scratch = Scratch::new("everything");
        let files = scratch.files(Rule::Everything);
        assert_eq!(
            files.read_file(&scratch.path("in/away/secret")).as_deref(),
            Ok(&b"outside"[..])
        );
        assert_eq!(
            files.resolve(&scratch.path("in/bad")),
            Ok(scratch.path("out/secret"))
        );
        assert_eq!(
            files.file_type(&scratch.path("in/sub")),
            Ok(FileType::Directory)
        );
        assert_eq!(
            files.file_type(&scratch.path("in/sub/file/x")),
            Err(WorldError::NotFound)
        );
        assert_eq!(files.file_type(b"/"), Ok(FileType::Directory));
        assert!(matches!(
            files.read_file(&scratch.path("in")),
            Err(WorldError::Other(_))
        ));
        assert!(matches!(
            files.read_dir(&scratch.path("in/good")),
            Err(WorldError::Other(_))
        ));
        assert!(matches!(
            files.read_file(b"/dev/zero"),
            Err(WorldError::Other(_))
        ));
        assert_eq!(files.read_file(b"/dev/null").as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn pieces_are_the_file() {
        let scratch = Scratch::new("pieces");
        let files = scratch.files(Rule::Everything);
        // A short one behind a long one finds the room that this has left.
        for (length, mode) in [
            (3 * PIECE + 5, 0o644),
            (7, 0o755),
            (PIECE, 0o644),
            (0, 0o744),
        ] {
            let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let path = scratch.path(&format!("file-{length}"));
            fs::write(as_path(&path), &bytes).expect("scratch file");
            fs::set_permissions(as_path(&path), fs::Permissions::from_mode(mode))
                .expect("scratch file");
            let mut taken = Vec::new();
            let mut infos = HashSet::new();
            let answer = files.read_pieces(&path, &mut |info, piece| {
                infos.insert((info.length, info.executable));
                taken.extend_from_slice(piece);
                Ok(())
            });
            assert_eq!(answer, Ok(()));
            assert!(taken == bytes, "{length} bytes");
            let expected = (length as u64, mode & 0o100 != 0);
            assert_eq!(infos, HashSet::from([expected]));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn files_without_a_size_are_read_to_their_end() {
        let scratch = Scratch::new("proc");
        let version = scratch
            .files(Rule::Everything)
            .read_file(b"/proc/version")
            .expect("a file of the kernel");
        assert!(version.starts_with(b"Linux"));
    }
}
