//! `--store`: which store is meant.

use super::daemon::Daemon;
use super::directory::Directory;
use super::guarded::Guarded;
use crate::failure::{Failure, Result};
use piton_core::store::{Backend, InMemory, STORE_DIR};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const DEFAULT_SOCKET: &str = "/nix/var/nix/daemon-socket/socket";

/// Where a store is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// Nowhere: it ends with the evaluation.
    #[default]
    Memory,
    /// Below this folder, as Nix's `--store` has it: `/nix/store/...` is at `DIR/nix/store/...`.
    Directory(PathBuf),
    /// Behind this socket, with the folder that its `/nix/store` lies in.
    Daemon {
        /// The socket.
        socket: PathBuf,
        /// The folder, if it is not the root.
        root: Option<PathBuf>,
    },
}

impl Place {
    /// Reads a store's URL, in the forms that Nix has for the stores that there are here.
    pub fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let root = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == "root")
            .map(|(_, root)| PathBuf::from(decode(root)));
        match (base, root) {
            ("" | "dummy://" | "dummy", _) => Ok(Place::Memory),
            ("auto", None) if !default_socket().exists() => Ok(Place::Memory),
            ("daemon" | "unix://" | "auto", root) => Ok(Place::Daemon {
                socket: default_socket(),
                root,
            }),
            ("local" | "local://", Some(root)) => Ok(Place::Directory(root)),
            ("local" | "local://", None) => Err(Failure::new(format!(
                "the store below '{STORE_DIR}' itself is written by its daemon alone: '--store daemon'"
            ))),
            (base, root) => {
                if let Some(socket) = base.strip_prefix("unix://") {
                    return Ok(Place::Daemon {
                        socket: PathBuf::from(decode(socket)),
                        root,
                    });
                }
                let folder = base.strip_prefix("local://").unwrap_or(base);
                if folder.contains('/') && !folder.contains("://") {
                    return Ok(Place::Directory(PathBuf::from(folder)));
                }
                Err(Failure::new(format!(
                    "don't know how to open Nix store '{url}': it has to be a folder ('./store'), 'daemon' or 'unix://SOCKET'"
                )))
            }
        }
    }

    /// Opens the store: it may be for reading alone, and nothing may be built in it.
    pub fn open(&self, read_only: bool, builds: bool) -> Result<Rc<dyn Backend>> {
        let store: Box<dyn Backend> = match self {
            Place::Memory => Box::new(InMemory),
            Place::Directory(folder) => Box::new(Directory::open(folder)?),
            Place::Daemon { socket, root } => Box::new(Daemon::open(socket, root.as_deref())?),
        };
        let read_only = read_only && *self != Place::Memory;
        if !read_only && builds {
            return Ok(store.into());
        }
        Ok(Rc::new(Guarded {
            store,
            read_only,
            builds,
        }))
    }

    /// The folder that its store paths lie in, if it is another one than they say.
    pub fn folder(&self) -> Option<Vec<u8>> {
        let root = match self {
            Place::Memory => return None,
            Place::Directory(root) => root,
            Place::Daemon { root, .. } => root.as_ref()?,
        };
        let root = std::path::absolute(root).unwrap_or_else(|_| root.clone());
        Some(store_folder(&root).into_os_string().into_vec())
    }
}

/// The folder of the store below a root.
pub(super) fn store_folder(root: &Path) -> PathBuf {
    root.join(STORE_DIR.trim_start_matches('/'))
}

fn default_socket() -> PathBuf {
    std::env::var_os("NIX_DAEMON_SOCKET_PATH")
        .map_or_else(|| PathBuf::from(DEFAULT_SOCKET), PathBuf::from)
}

/// The text that a part of a URL stands for: `%20` is a space.
fn decode(text: &str) -> std::ffi::OsString {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    std::ffi::OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let daemon = |socket: &str, root: Option<&str>| Place::Daemon {
            socket: socket.into(),
            root: root.map(Into::into),
        };
        for (url, expected) in [
            ("", Place::Memory),
            ("dummy://", Place::Memory),
            ("/a/b", Place::Directory("/a/b".into())),
            ("./a", Place::Directory("./a".into())),
            ("local?root=/a%20b", Place::Directory("/a b".into())),
            ("unix:///s", daemon("/s", None)),
            ("unix:///s?trusted=1&root=/r", daemon("/s", Some("/r"))),
        ] {
            assert_eq!(Place::parse(url).expect(url), expected, "{url}");
        }
        for url in ["a", "local", "ssh://host", "https://host/a"] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
        assert_eq!(
            Place::Directory("/a".into()).folder(),
            Some(b"/a/nix/store".to_vec())
        );
    }
}
