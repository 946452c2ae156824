//! `--add-root`: links that keep what they lead to from being collected.

use super::place::Place;
use super::wire::Connection;
use crate::failure::{Failure, Result, reason};
use crate::terminal;
use crate::world::as_path;
use piton_core::store::{base32, sha256};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where Nix looks for links elsewhere that keep something.
const INDIRECT: &str = "nix/var/nix/gcroots/auto";

const ADD_INDIRECT_ROOT: u64 = 12;

/// The links of one command.
pub struct Roots {
    place: Place,
    /// The name of the first one.
    name: Option<PathBuf>,
    count: usize,
    warns: bool,
}

impl Roots {
    /// Links with this name to what is in that store; without a name it may be warned of that.
    pub fn new(place: Place, name: Option<&OsStr>, warns: bool) -> Self {
        Roots {
            place,
            name: name.map(|name| std::path::absolute(name).unwrap_or_else(|_| name.into())),
            count: 0,
            warns,
        }
    }

    /// Keeps a store path; answers the link, if there is one.
    pub fn add(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(name) = &self.name else {
            if std::mem::take(&mut self.warns) {
                terminal::warn(
                    "you did not specify '--add-root'; the result might be removed by the garbage collector",
                );
            }
            return Ok(None);
        };
        if self.place == Place::Memory {
            if std::mem::take(&mut self.warns) {
                terminal::warn(
                    "'--add-root' has no effect: what is instantiated without '--store' ends with this command",
                );
            }
            return Ok(None);
        }
        self.count += 1;
        let mut link = name.clone().into_os_string();
        if self.count > 1 {
            link.push(format!("-{}", self.count));
        }
        let link = PathBuf::from(link);
        let fail = |error: io::Error| {
            Failure::new(format!(
                "cannot create the link '{}': {}",
                link.display(),
                reason(&error)
            ))
        };
        match &self.place {
            Place::Memory => {}
            Place::Directory(root) => {
                replace(as_path(path), &link).map_err(fail)?;
                let folder = root.join(INDIRECT);
                fs::create_dir_all(&folder).map_err(fail)?;
                let hash = sha256(&[link.as_os_str().as_bytes()]);
                replace(&link, &folder.join(as_path(&base32(&hash[..20])))).map_err(fail)?;
            }
            Place::Daemon { socket, .. } => {
                replace(as_path(path), &link).map_err(fail)?;
                let ask = || {
                    let mut connection = Connection::open(socket)?;
                    connection.number(ADD_INDIRECT_ROOT)?;
                    connection.text(link.as_os_str().as_bytes())?;
                    connection.ask()?;
                    connection.read_number()
                };
                ask().map_err(|refusal| Failure::new(super::daemon::text_of(refusal)))?;
            }
        }
        Ok(Some(link.into_os_string().into_vec()))
    }
}

/// Makes a link, in place of another one that is there. Nothing but links is replaced.
fn replace(target: &Path, link: &Path) -> io::Result<()> {
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    if fs::symlink_metadata(link).is_ok_and(|metadata| metadata.is_symlink()) {
        fs::remove_file(link)?;
    }
    symlink(target, link)
}
