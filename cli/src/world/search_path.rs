//! The search path of `<name>`: `-I`, `NIX_PATH`, and where Nix keeps channels.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An entry: `prefix=path`, or a path for all names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The name, or the beginning of names, that it is for; empty for all.
    pub prefix: Vec<u8>,
    /// Where to look.
    pub path: Vec<u8>,
}

impl Entry {
    /// Reads `prefix=path` or `path`.
    pub fn parse(text: &[u8]) -> Self {
        match text.iter().position(|byte| *byte == b'=') {
            Some(at) => Entry {
                prefix: text[..at].to_vec(),
                path: text[at + 1..].to_vec(),
            },
            None => Entry {
                prefix: Vec::new(),
                path: text.to_vec(),
            },
        }
    }

    /// What of `name` is to be looked for below the path of this entry, if it is for such names.
    pub fn rest_of<'a>(&self, name: &'a [u8]) -> Option<&'a [u8]> {
        let rest = name.strip_prefix(&*self.prefix)?;
        match rest {
            [] => Some(rest),
            _ if self.prefix.is_empty() => Some(rest),
            [b'/', rest @ ..] => Some(rest),
            _ => None,
        }
    }
}

/// The entries of a `NIX_PATH`. Colons separate them, save that of the scheme of a URL.
pub fn parse_nix_path(text: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = next_colon(rest, 0);
        let value = rest[..end]
            .iter()
            .rposition(|byte| *byte == b'=')
            .map_or(0, |at| at + 1);
        if end < rest.len() && is_remote(&rest[value..]) {
            end = next_colon(rest, end + 1);
        }
        // An entry between two colons is empty, and stands for the current folder.
        entries.push(Entry::parse(&rest[..end]));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    entries
}

fn next_colon(text: &[u8], from: usize) -> usize {
    text[from..]
        .iter()
        .position(|byte| *byte == b':')
        .map_or(text.len(), |at| from + at)
}

/// Whether a path names something to be downloaded.
fn is_remote(path: &[u8]) -> bool {
    if path.starts_with(b"channel:") || path.starts_with(b"flake:") {
        return true;
    }
    match path.windows(3).position(|window| window == b"://") {
        Some(at) => matches!(
            &path[..at],
            b"http" | b"https" | b"file" | b"channel" | b"git" | b"s3" | b"ssh"
        ),
        None => false,
    }
}

/// What follows all given entries: the channels of the user and of root, as far as they exist.
pub fn default_entries(home: Option<&OsStr>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |prefix: &str, path: &Path| {
        if path.exists() {
            entries.push(Entry {
                prefix: prefix.into(),
                path: path.as_os_str().as_bytes().to_vec(),
            });
        }
    };
    if let Some(home) = home {
        add("", &Path::new(home).join(".nix-defexpr/channels"));
    }
    let state = std::env::var_os("NIX_STATE_DIR").unwrap_or_else(|| "/nix/var/nix".into());
    let root = Path::new(&state).join("profiles/per-user/root/channels");
    add("nixpkgs", &root.join("nixpkgs"));
    add("", &root);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nix_path() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("/a:b=/c", &["=/a", "b=/c"]),
            (
                "q=/x:/y:z=https://foo:bar",
                &["q=/x", "=/y", "z=https://foo", "=bar"],
            ),
            ("a=channel:nixos:flake:x", &["a=channel:nixos", "=flake:x"]),
            (":/a:", &["=", "=/a"]),
        ];
        for (text, expected) in cases {
            let entries: Vec<String> = parse_nix_path(text.as_bytes())
                .iter()
                .map(|entry| {
                    [&entry.prefix[..], &entry.path]
                        .map(String::from_utf8_lossy)
                        .join("=")
                })
                .collect();
            assert_eq!(entries, expected, "{text}");
        }
    }

    #[test]
    fn names_that_an_entry_is_for() {
        let cases = [
            ("a", "a", Some("")),
            ("a", "a/b", Some("b")),
            ("a", "ab", None),
            ("", "a/b", Some("a/b")),
        ];
        for (prefix, name, expected) in cases {
            let entry = Entry {
                prefix: prefix.into(),
                path: b"/".to_vec(),
            };
            assert_eq!(
                entry.rest_of(name.as_bytes()),
                expected.map(str::as_bytes),
                "{prefix} {name}"
            );
        }
    }
}
