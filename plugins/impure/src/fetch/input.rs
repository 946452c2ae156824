//! [`Input`]: something that can be fetched, named by a URL or by attributes, and how the one becomes the other.

use super::attrs::{Attr, Attrs, Fault, bad_url, fault};
use super::names::{is_commit, is_flake_id, is_reference};
use super::url::{Url, fix_git_url, path_segments, split_scheme};
use data_encoding::{BASE64, HEXLOWER};
use std::fmt;

/// How an input is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Git,
    GitHub,
    GitLab,
    Indirect,
    Path,
    SourceHut,
    Tarball,
}

const KINDS: [Kind; 8] = [
    Kind::File,
    Kind::Git,
    Kind::GitHub,
    Kind::GitLab,
    Kind::Indirect,
    Kind::Path,
    Kind::SourceHut,
    Kind::Tarball,
];

/// Attributes that are about how a commit is verified: an experiment of Nix that Piton does not take part in.
const VERIFICATION: [&str; 4] = ["verifyCommit", "keytype", "publicKey", "publicKeys"];

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Git => "git",
            Kind::GitHub => "github",
            Kind::GitLab => "gitlab",
            Kind::Indirect => "indirect",
            Kind::Path => "path",
            Kind::SourceHut => "sourcehut",
            Kind::Tarball => "tarball",
        }
    }

    /// Whether it is an archive that a forge makes of a commit.
    pub fn is_forge(self) -> bool {
        matches!(self, Kind::GitHub | Kind::GitLab | Kind::SourceHut)
    }

    /// The attributes that it has beside `type`.
    fn attributes(self) -> &'static [&'static str] {
        match self {
            Kind::File | Kind::Tarball => &[
                "url",
                "narHash",
                "name",
                "unpack",
                "rev",
                "revCount",
                "lastModified",
            ],
            Kind::Git => &[
                "url",
                "ref",
                "rev",
                "shallow",
                "submodules",
                "lfs",
                "exportIgnore",
                "lastModified",
                "revCount",
                "narHash",
                "allRefs",
                "name",
                "dirtyRev",
                "dirtyShortRev",
                "verifyCommit",
                "keytype",
                "publicKey",
                "publicKeys",
            ],
            Kind::GitHub | Kind::GitLab | Kind::SourceHut => &[
                "owner",
                "repo",
                "ref",
                "rev",
                "narHash",
                "lastModified",
                "host",
                "treeHash",
            ],
            Kind::Indirect => &["id", "ref", "rev", "narHash"],
            Kind::Path => &["path", "rev", "revCount", "lastModified", "narHash"],
        }
    }
}

/// Something that can be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// What names it.
    pub attrs: Attrs,
    /// How it is fetched; `None` of a type that nobody knows.
    pub kind: Option<Kind>,
}

impl Input {
    /// From attributes.
    pub fn from_attrs(mut attrs: Attrs) -> Result<Self, Fault> {
        let Some(name) = attrs.text("type")? else {
            return fault("'type' attribute to specify input scheme is required but not provided");
        };
        let kind = KINDS.into_iter().find(|kind| kind.name() == name);
        if let Some(kind) = kind {
            let known = kind.attributes();
            let unknown = attrs.0.keys().find(|name| {
                !known.contains(&name.as_str()) && *name != "type" && *name != "__final"
            });
            if let Some(unknown) = unknown {
                return fault(format!(
                    "input attribute '{unknown}' not supported by scheme '{name}'"
                ));
            }
            check(kind, &mut attrs)?;
        }
        attrs.text("ref")?;
        attrs.int("revCount")?;
        attrs.int("lastModified")?;
        Ok(Input { attrs, kind })
    }

    /// From a URL. `tree` says that a folder is wanted, so that what could be a file or an archive is an archive.
    pub fn from_url(url: &Url, tree: bool) -> Result<Self, Fault> {
        let (application, transport) = split_scheme(&url.scheme);
        let attrs = if url.scheme == "path" {
            path_from_url(url)?
        } else if url.scheme == "flake" {
            indirect_from_url(url)?
        } else if url.scheme == "git" || application == Some("git") {
            git_from_url(url)
        } else if let Some(kind) = KINDS
            .into_iter()
            .find(|kind| kind.is_forge() && kind.name() == url.scheme)
        {
            forge_from_url(kind, url)?
        } else if let Some(kind) = download_kind(url, application, transport, tree) {
            download_from_url(kind, url, transport)
        } else if application == Some("file") && transport == "git" {
            return fault(format!(
                "input '{url}' is unsupported; did you mean 'git+file' instead of 'file+git'?"
            ));
        } else {
            return fault(format!("input '{url}' is unsupported"));
        };
        Input::from_attrs(attrs)
    }

    /// The URL that says the same.
    pub fn url(&self) -> Result<Url, Fault> {
        let attrs = &self.attrs;
        let Some(kind) = self.kind else {
            return fault(format!("cannot show unsupported input '{attrs}'"));
        };
        match kind {
            Kind::Path => path_url(attrs),
            Kind::File | Kind::Tarball => {
                let mut url = Url::parse(attrs.required("url")?, false)?;
                if let Some(hash) = self.nar_hash()? {
                    url.query.insert("narHash".to_owned(), hash);
                }
                Ok(url)
            }
            Kind::Git => git_url(attrs),
            Kind::GitHub | Kind::GitLab | Kind::SourceHut => {
                let mut path = vec![
                    attrs.required("owner")?.to_owned(),
                    attrs.required("repo")?.to_owned(),
                ];
                for name in ["ref", "rev"] {
                    path.extend(attrs.text(name)?.map(str::to_owned));
                }
                let mut url = Url {
                    scheme: kind.name().to_owned(),
                    path,
                    ..Url::default()
                };
                if let Some(hash) = self.nar_hash()? {
                    url.query.insert("narHash".to_owned(), hash);
                }
                if let Some(host) = attrs.text("host")? {
                    url.query.insert("host".to_owned(), host.to_owned());
                }
                Ok(url)
            }
            Kind::Indirect => {
                let mut path = vec![attrs.required("id")?.to_owned()];
                for name in ["ref", "rev"] {
                    path.extend(attrs.text(name)?.map(str::to_owned));
                }
                Ok(Url {
                    scheme: "flake".to_owned(),
                    path,
                    ..Url::default()
                })
            }
        }
    }

    /// Whether it names the same thing for ever.
    pub fn is_locked(&self) -> Result<bool, Fault> {
        let has_hash = self.attrs.text("narHash")?.is_some();
        Ok(match self.kind {
            None | Some(Kind::Indirect) => false,
            Some(Kind::File | Kind::Tarball | Kind::Path) => has_hash,
            // Forges are trusted to make the same archive of a commit again, as in Nix.
            Some(Kind::GitHub | Kind::GitLab | Kind::SourceHut) => {
                self.attrs.text("rev")?.is_some()
            }
            Some(Kind::Git) => self
                .attrs
                .text("rev")?
                .is_some_and(|rev| rev.bytes().any(|digit| digit != b'0')),
        })
    }

    /// The hash of the archive, in the notation of the web.
    pub fn nar_hash(&self) -> Result<Option<String>, Fault> {
        match self.attrs.text("narHash")? {
            None => Ok(None),
            Some("") => Ok(Some(sri(&[0; 32]))),
            Some(text) => parse_sri(text).map(Some),
        }
    }

    /// The name that it has in the store.
    pub fn name(&self) -> Result<&str, Fault> {
        Ok(self.attrs.text("name")?.unwrap_or("source"))
    }
}

/// As its URL.
impl fmt::Display for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url() {
            Ok(url) => write!(out, "{url}"),
            Err(_) => write!(out, "{}", self.attrs),
        }
    }
}

/// A SHA-256 in the notation of the web.
pub fn sri(digest: &[u8]) -> String {
    format!("sha256-{}", BASE64.encode(digest))
}

/// A hash in the notation of the web, with the padding that old lock files lack.
fn parse_sri(text: &str) -> Result<String, Fault> {
    let Some((algorithm, digits)) = text.split_once('-') else {
        return fault(format!("hash '{text}' is not SRI"));
    };
    if ["md5", "sha1", "sha512", "blake3"].contains(&algorithm) {
        return fault("narHash must use SHA-256");
    }
    if algorithm != "sha256" {
        return fault(format!(
            "unknown hash algorithm '{algorithm}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'"
        ));
    }
    let digits = digits.trim_end_matches('=');
    match data_encoding::BASE64_NOPAD.decode(digits.as_bytes()) {
        Ok(bytes) if bytes.len() == 32 => Ok(sri(&bytes)),
        Ok(bytes) => fault(format!(
            "invalid SRI hash '{digits}', length {} != expected length 32",
            bytes.len()
        )),
        Err(_) => fault(format!("invalid SRI hash '{digits}'")),
    }
}

fn check(kind: Kind, attrs: &mut Attrs) -> Result<(), Fault> {
    match kind {
        Kind::File | Kind::Tarball => {}
        Kind::Path => {
            attrs.required("path")?;
        }
        Kind::Indirect => {
            let id = attrs.required("id")?;
            if !is_flake_id(id) {
                return bad_url(format!("'{id}' is not a valid flake ID"));
            }
        }
        Kind::Git => {
            if VERIFICATION.iter().any(|name| attrs.has(name)) {
                return fault(
                    "experimental Nix feature 'verified-fetches' is disabled; \
                     add '--extra-experimental-features verified-fetches' to enable it",
                );
            }
            if let Some(name) = attrs.text("ref")?.filter(|name| !is_reference(name)) {
                return bad_url(format!("invalid Git branch/tag name '{name}'"));
            }
            let url = fix_git_url(attrs.required("url")?)?.to_string();
            for name in ["shallow", "submodules", "allRefs"] {
                attrs.bool(name)?;
            }
            attrs.set("url", url);
        }
        Kind::GitHub | Kind::GitLab | Kind::SourceHut => {
            attrs.required("owner")?;
            attrs.required("repo")?;
            let (reference, rev) = (attrs.text("ref")?, attrs.text("rev")?);
            if let (Some(reference), Some(rev)) = (reference, rev) {
                return bad_url(format!(
                    "input {attrs} contains both a commit hash ('{rev}') and a branch/tag name ('{reference}')"
                ));
            }
            if let Some(rev) = rev {
                check_commit(rev)?;
            }
            if reference.is_some_and(|name| !is_reference(name)) {
                return bad_url(format!("input {attrs} contains an invalid branch/tag name"));
            }
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            if attrs
                .text("host")?
                .is_some_and(|host| !host.bytes().all(valid))
            {
                return bad_url(format!("input {attrs} contains an invalid instance host"));
            }
        }
    }
    Ok(())
}

/// An error unless `rev` is the hash of a commit.
pub fn check_commit(rev: &str) -> Result<(), Fault> {
    let digits = rev.strip_prefix("sha1:").unwrap_or(rev);
    if HEXLOWER
        .decode(digits.to_ascii_lowercase().as_bytes())
        .is_err()
        && digits.len() == 40
    {
        return fault(format!("invalid base16 hash '{digits}'"));
    }
    match digits.len() {
        40 | 64 => Ok(()),
        _ => fault(format!(
            "hash '{digits}' has wrong length for hash algorithm 'sha1'"
        )),
    }
}

fn path_from_url(url: &Url) -> Result<Attrs, Fault> {
    if let Some(authority) = url.authority.as_deref().filter(|text| !text.is_empty()) {
        return fault(format!(
            "path URL '{url}' should not have an authority ('{authority}')"
        ));
    }
    let mut attrs = Attrs::default();
    attrs.set("type", "path");
    attrs.set("path", url.file_path());
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" | "narHash" => attrs.set(name, value.as_str()),
            "revCount" | "lastModified" => match value.parse() {
                Ok(number) => attrs.set_int(name, number),
                Err(_) => {
                    return fault(format!("path URL '{url}' has invalid parameter '{name}'"));
                }
            },
            _ => {
                return fault(format!(
                    "path URL '{url}' has unsupported parameter '{name}'"
                ));
            }
        }
    }
    Ok(attrs)
}

fn path_url(attrs: &Attrs) -> Result<Url, Fault> {
    let mut url = Url {
        scheme: "path".to_owned(),
        path: path_segments(attrs.required("path")?),
        ..Url::default()
    };
    for (name, value) in &attrs.0 {
        if ["path", "type", "__final"].contains(&name.as_str()) {
            continue;
        }
        let text = match value {
            Attr::Text(text) => text.clone(),
            Attr::Int(number) => number.to_string(),
            Attr::Bool(value) => u8::from(*value).to_string(),
        };
        url.query.insert(name.clone(), text);
    }
    Ok(url)
}

fn indirect_from_url(url: &Url) -> Result<Attrs, Fault> {
    let path = url.segments();
    let mut attrs = Attrs::default();
    match path[..] {
        [_] => {}
        [_, name] if is_commit(name) => attrs.set("rev", name),
        [_, name] if is_reference(name) => attrs.set("ref", name),
        [_, name] => {
            return bad_url(format!(
                "in flake URL '{url}', '{name}' is not a commit hash or branch/tag name"
            ));
        }
        [_, name, rev] => {
            if !is_reference(name) {
                return bad_url(format!(
                    "in flake URL '{url}', '{name}' is not a branch/tag name"
                ));
            }
            if !is_commit(rev) {
                return bad_url(format!(
                    "in flake URL '{url}', '{rev}' is not a commit hash"
                ));
            }
            attrs.set("ref", name);
            attrs.set("rev", rev);
        }
        _ => return bad_url(format!("GitHub URL '{url}' is invalid")),
    }
    attrs.set("type", "indirect");
    attrs.set("id", path[0]);
    Ok(attrs)
}

fn git_from_url(url: &Url) -> Attrs {
    let mut attrs = Attrs::default();
    attrs.set("type", "git");
    let mut plain = url.clone();
    plain.query.clear();
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" | "ref" | "keytype" | "publicKey" | "publicKeys" => {
                attrs.set(name, value.as_str());
            }
            "shallow" | "submodules" | "lfs" | "exportIgnore" | "allRefs" | "verifyCommit" => {
                attrs.0.insert(name.clone(), Attr::Bool(value == "1"));
            }
            _ => {
                plain.query.insert(name.clone(), value.clone());
            }
        }
    }
    attrs.set("url", plain.to_string());
    attrs
}

fn git_url(attrs: &Attrs) -> Result<Url, Fault> {
    let mut url = Url::parse(attrs.required("url")?, false)?;
    if url.scheme != "git" {
        url.scheme = format!("git+{}", url.scheme);
    }
    for name in ["rev", "ref"] {
        if let Some(value) = attrs.text(name)? {
            url.query.insert(name.to_owned(), value.to_owned());
        }
    }
    for name in ["shallow", "lfs", "submodules", "exportIgnore"] {
        if attrs.is_set(name)? {
            url.query.insert(name.to_owned(), "1".to_owned());
        }
    }
    Ok(url)
}

fn forge_from_url(kind: Kind, url: &Url) -> Result<Attrs, Fault> {
    let path = url.segments();
    let mut attrs = Attrs::default();
    match path[..] {
        [_, _] => {}
        [_, _, name] if is_commit(name) => attrs.set("rev", name),
        [_, _, ref names @ ..] if !names.is_empty() => attrs.set("ref", names.join("/")),
        _ => return bad_url(format!("URL '{url}' is invalid")),
    }
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" if attrs.has("rev") => {
                return bad_url(format!("URL '{url}' contains multiple commit hashes"));
            }
            "ref" if attrs.has("ref") => {
                return bad_url(format!("URL '{url}' contains multiple branch/tag names"));
            }
            "rev" | "ref" | "host" | "narHash" => attrs.set(name, value.as_str()),
            _ => {
                return bad_url(format!("URL '{url}' contains unknown parameter '{name}'"));
            }
        }
    }
    attrs.set("type", kind.name());
    attrs.set("owner", path[0]);
    attrs.set("repo", path[1]);
    Ok(attrs)
}

/// Whether a URL names a file or an archive to download, and which.
fn download_kind(
    url: &Url,
    application: Option<&str>,
    transport: &str,
    tree: bool,
) -> Option<Kind> {
    if !["file", "http", "https"].contains(&transport) {
        return None;
    }
    match application {
        Some("file") => Some(Kind::File),
        Some("tarball") => Some(Kind::Tarball),
        Some(_) => None,
        None if tree || has_archive_extension(url) => Some(Kind::Tarball),
        None => Some(Kind::File),
    }
}

fn has_archive_extension(url: &Url) -> bool {
    const EXTENSIONS: [&str; 7] = [
        ".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst",
    ];
    url.path
        .last()
        .is_some_and(|name| EXTENSIONS.iter().any(|extension| name.ends_with(extension)))
}

fn download_from_url(kind: Kind, url: &Url, transport: &str) -> Attrs {
    let mut attrs = Attrs::default();
    for name in ["narHash", "rev"] {
        if let Some(value) = url.query.get(name) {
            attrs.set(name, value.as_str());
        }
    }
    for name in ["revCount", "lastModified"] {
        if let Some(Ok(number)) = url.query.get(name).map(|value| value.parse()) {
            attrs.set_int(name, number);
        }
    }
    let mut plain = url.clone();
    plain.scheme = transport.to_owned();
    plain
        .query
        .retain(|name, _| !kind.attributes().contains(&name.as_str()));
    attrs.set("type", kind.name());
    attrs.set("url", plain.to_string());
    attrs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> Input {
        let url = Url::parse(text, false).expect("a URL");
        Input::from_url(&url, true).expect("an input")
    }

    #[test]
    fn urls_and_attributes() {
        for (text, json) in [
            (
                "github:a/b/feature%2Fx",
                r#"{"owner":"a","ref":"feature/x","repo":"b","type":"github"}"#,
            ),
            (
                "git+https://x.org/a?ref=m&submodules=1",
                r#"{"ref":"m","submodules":true,"type":"git","url":"https://x.org/a"}"#,
            ),
            (
                "path:/a%20b?lastModified=3",
                r#"{"lastModified":3,"path":"/a b","type":"path"}"#,
            ),
            (
                "flake:nixpkgs/x",
                r#"{"id":"nixpkgs","ref":"x","type":"indirect"}"#,
            ),
        ] {
            let input = input(text);
            assert_eq!(input.attrs.to_string(), json, "{text}");
            assert_eq!(input.to_string(), text);
        }
        assert_eq!(input("https://x.org/a").kind, Some(Kind::Tarball));
        assert_eq!(input("file+https://x.org/a.tar").kind, Some(Kind::File));
    }

    #[test]
    fn hashes_of_old_lock_files_are_completed() {
        let mut attrs = input("path:/a").attrs;
        attrs.set(
            "narHash",
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
        );
        let input = Input::from_attrs(attrs).expect("an input");
        let hash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_owned();
        assert_eq!(input.nar_hash(), Ok(Some(hash)));
        assert_eq!(input.is_locked(), Ok(true));
    }
}
