//! Archives: tar, plain or packed in one of four ways.
//!
//! What comes out are plain files, executable or not, folders and symbolic links: no owners, no times. An archive may hold
//! anything, so that each name is looked at: it must not lead out of the folder, not even through a link that the archive
//! itself has made.

use super::attrs::{Fault, fault};
use super::cache::io_fault;
use std::fs;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use tar::EntryType;

/// Unpacks the archive in `file` into `folder`, which is empty. Answers the time of its youngest entry, in seconds since 1970.
pub fn unpack(file: &Path, folder: &Path) -> Result<u64, Fault> {
    let open = || fs::File::open(file).map_err(|error| io_fault("opening", file, &error));
    let mut magic = [0; 6];
    let mut length = 0;
    let mut head = open()?;
    while length < magic.len() {
        match head.read(&mut magic[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) => return Err(io_fault("reading", file, &error)),
        }
    }
    let packed = BufReader::new(open()?);
    match &magic[..length] {
        [0x1f, 0x8b, ..] => unpack_tar(flate2::bufread::MultiGzDecoder::new(packed), folder),
        [b'B', b'Z', b'h', ..] => unpack_tar(bzip2::bufread::MultiBzDecoder::new(packed), folder),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            unpack_tar(lzma_rust2::XzReader::new(packed, true), folder)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => match ruzstd::decoding::StreamingDecoder::new(packed) {
            Ok(reader) => unpack_tar(reader, folder),
            Err(error) => broken(&error.to_string()),
        },
        [b'P', b'K', 3, 4, ..] => fault("Failed to open archive (zip archives are not supported)"),
        _ => unpack_tar(packed, folder),
    }
}

#[cold]
fn broken<T>(reason: &str) -> Result<T, Fault> {
    fault(format!("Failed to open archive ({reason})"))
}

fn unpack_tar(reader: impl Read, folder: &Path) -> Result<u64, Fault> {
    let mut archive = tar::Archive::new(reader);
    let mut last_modified = 0;
    let mut count = 0u64;
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return broken(&error.to_string()),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(_) if count == 0 => return broken("Unrecognized archive format"),
            Err(error) => return broken(&error.to_string()),
        };
        count += 1;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        last_modified = last_modified.max(entry.header().mtime().unwrap_or(0));
        let name = entry.path_bytes().into_owned();
        let Some(path) = place(folder, &name)? else {
            continue;
        };
        let link = entry.link_name_bytes().map(|target| target.into_owned());
        let fail = |error: io::Error| {
            Fault::Other(format!(
                "cannot unpack '{}': {error}",
                String::from_utf8_lossy(&name)
            ))
        };
        match kind {
            EntryType::Directory => match fs::create_dir(&path) {
                Err(_) if is_folder(&path) => {}
                made => made.map_err(fail)?,
            },
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let _ = fs::remove_file(&path);
                let mut file = fs::File::create_new(&path).map_err(fail)?;
                io::copy(&mut entry, &mut file).map_err(fail)?;
                let is_executable = entry.header().mode().map_err(fail)? & 0o100 != 0;
                let mode = if is_executable { 0o755 } else { 0o644 };
                file.set_permissions(fs::Permissions::from_mode(mode))
                    .map_err(fail)?;
            }
            EntryType::Symlink => {
                let _ = fs::remove_file(&path);
                let target = link.unwrap_or_default();
                std::os::unix::fs::symlink(as_path(&target), &path).map_err(fail)?;
            }
            EntryType::Link => {
                let Some(target) = place(folder, &link.unwrap_or_default())? else {
                    return fault("hard link in archive has no target");
                };
                let _ = fs::remove_file(&path);
                fs::hard_link(&target, &path).map_err(fail)?;
            }
            _ => {
                return fault(format!(
                    "file '{}' in tarball has unsupported file type {}",
                    String::from_utf8_lossy(&name),
                    kind.as_byte()
                ));
            }
        }
    }
    if count == 0 && last_modified == 0 {
        return broken("Unrecognized archive format");
    }
    Ok(last_modified)
}

/// Where an entry of that name goes; its folder is made. `None` for the folder itself.
fn place(folder: &Path, name: &[u8]) -> Result<Option<PathBuf>, Fault> {
    let mut path = folder.to_owned();
    let mut parts = Vec::new();
    for part in as_path(name).components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir => {
                // As a path of text alone: `a/../b` is `b`.
                parts.pop();
            }
            Component::Prefix(_) => {}
        }
    }
    let Some((last, above)) = parts.split_last() else {
        return Ok(None);
    };
    for part in above {
        path.push(part);
        match fs::create_dir(&path) {
            // What is there must be a folder, not a link to one.
            Err(_) if is_folder(&path) => {}
            Err(error) => return Err(io_fault("creating directory", &path, &error)),
            Ok(()) => {}
        }
    }
    path.push(last);
    Ok(Some(path))
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn as_path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// The only folder in `folder`, if nothing else is in it: the top folder of most archives, which does not count.
pub fn without_top(folder: &Path) -> Result<PathBuf, Fault> {
    let fail = |error| io_fault("reading directory", folder, &error);
    let mut entries = fs::read_dir(folder).map_err(fail)?;
    if let (Some(Ok(only)), None) = (entries.next(), entries.next())
        && is_folder(&only.path())
    {
        return Ok(only.path());
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// An archive of these entries: name, type, target of a link or contents, mode.
    fn archive(entries: &[(&str, EntryType, &str, u32)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content, mode) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            header.set_mtime(7);
            // Not `set_path`, which refuses what an attacker would write.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            if *kind == EntryType::Regular {
                header.set_size(content.len() as u64);
                header.set_cksum();
                builder
                    .append(&header, content.as_bytes())
                    .expect("an entry");
            } else {
                header.set_size(0);
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                header.set_cksum();
                builder.append(&header, &[][..]).expect("an entry");
            }
        }
        builder.into_inner().expect("an archive")
    }

    fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<u64, Fault>) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("writing");
        fs::create_dir(folder.path().join("out")).expect("a folder");
        let result = unpack(file.path(), &folder.path().join("out"));
        (folder, result)
    }

    #[test]
    fn trees_come_out() {
        let bytes = archive(&[
            ("top/", EntryType::Directory, "", 0o555),
            ("top/run", EntryType::Regular, "x", 0o755),
            ("top/link", EntryType::Symlink, "run", 0o777),
            ("top/same", EntryType::Link, "top/run", 0o755),
        ]);
        let (folder, time) = unpacked(&bytes);
        assert_eq!(time, Ok(7));
        let top = without_top(&folder.path().join("out")).expect("a folder");
        assert!(top.ends_with("out/top"));
        let mode = fs::metadata(top.join("same"))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(
            fs::read_link(top.join("link")).expect("a link"),
            Path::new("run")
        );
    }

    #[test]
    fn nothing_leads_out() {
        let bytes = archive(&[("../evil", EntryType::Regular, "x", 0o644)]);
        let (folder, result) = unpacked(&bytes);
        assert!(result.is_ok() && !folder.path().join("evil").exists());
        let bytes = archive(&[
            ("d", EntryType::Symlink, "..", 0o777),
            ("d/evil", EntryType::Regular, "x", 0o644),
        ]);
        let (folder, result) = unpacked(&bytes);
        assert!(result.is_err() && !folder.path().join("evil").exists());
        let bytes = archive(&[
            ("a", EntryType::Symlink, "../evil", 0o777),
            ("a", EntryType::Regular, "x", 0o644),
        ]);
        let (folder, result) = unpacked(&bytes);
        assert!(result.is_ok() && !folder.path().join("evil").exists());
    }

    #[test]
    fn what_is_no_archive() {
        let message =
            Fault::Other("Failed to open archive (Unrecognized archive format)".to_owned());
        assert_eq!(unpacked(b"hello").1, Err(message.clone()));
        assert_eq!(unpacked(b"").1, Err(message));
    }
}
