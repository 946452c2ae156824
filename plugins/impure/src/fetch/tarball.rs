//! Files and archives from URLs, with what the cache knows of them.

use super::attrs::{Fault, fault};
use super::cache::{self, Cache, is_fresh};
use super::download::download;
use super::unpack::{unpack, without_top};
use super::url::Url;
use data_encoding::HEXLOWER;
use serde_json::json;
use std::path::{Path, PathBuf};

/// How long a download counts as current, in seconds, as Nix's `tarball-ttl` has it.
pub const TTL: u64 = 3600;

/// A file that was downloaded.
pub struct File {
    /// Where it is.
    pub place: PathBuf,
    /// The SHA-256 of its contents.
    pub digest: Vec<u8>,
}

/// An archive that was unpacked.
pub struct Tree {
    /// Where it is.
    pub place: PathBuf,
    /// The name by which the cache knows it.
    pub name: String,
    /// The time of its youngest entry.
    pub last_modified: u64,
    /// The hash of its archive, if that has been computed before.
    pub nar_hash: Option<String>,
    /// A URL that always leads to it.
    pub immutable_url: Option<String>,
}

/// The file at `url` if it need not be downloaded: it came a short time ago.
pub fn cached_file(cache: &Cache, url: &str) -> Option<File> {
    let record = cache.record("file", url)?;
    let file = file_of(cache, &record)?;
    (is_fresh(&record, TTL) && !is_local(url)).then_some(file)
}

/// Downloads a file.
pub fn file(cache: &Cache, url: &str, headers: &[(String, String)]) -> Result<File, Fault> {
    let record = cache.record("file", url);
    let known = record.as_ref().and_then(|record| file_of(cache, record));
    let etag = etag_of(&record, &known);
    let came = download(cache, url, headers, etag)?;
    let Some(made) = came.file else {
        let Some(known) = known else {
            return fault(format!("unable to download '{url}': HTTP error 304"));
        };
        cache.note("file", url, record.unwrap_or_default());
        return Ok(known);
    };
    let place = cache.file(&came.digest);
    cache.keep(made.path(), &place)?;
    let digest = HEXLOWER.encode(&came.digest);
    cache.note("file", url, json!({ "etag": came.etag, "digest": digest }));
    Ok(File {
        place,
        digest: came.digest.to_vec(),
    })
}

/// The tag that a server gave to what is recorded, if that is still there; else nothing.
fn etag_of<'a, T>(record: &'a Option<serde_json::Value>, known: &Option<T>) -> &'a str {
    match (record, known) {
        (Some(record), Some(_)) => cache::text(record, "etag").unwrap_or_default(),
        _ => "",
    }
}

fn file_of(cache: &Cache, record: &serde_json::Value) -> Option<File> {
    let digest = cache::text(record, "digest")?;
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?;
    let place = cache.file(&digest);
    place.is_file().then_some(File { place, digest })
}

/// The archive at `url` if it need not be downloaded: it came a short time ago, or it is known to be what has `nar_hash`.
pub fn cached_tree(cache: &Cache, url: &str, nar_hash: Option<&str>) -> Option<Tree> {
    let record = cache.record("tarball", url)?;
    let tree = tree_of(cache, &record)?;
    let is_meant = nar_hash.is_some() && tree.nar_hash.as_deref() == nar_hash;
    (is_meant || (is_fresh(&record, TTL) && !is_local(url))).then_some(tree)
}

/// Downloads an archive and unpacks it.
pub fn tree(cache: &Cache, url: &str, headers: &[(String, String)]) -> Result<Tree, Fault> {
    check_local(url)?;
    let record = cache.record("tarball", url);
    let known = record.as_ref().and_then(|record| tree_of(cache, record));
    let etag = etag_of(&record, &known);
    let came = download(cache, url, headers, etag)?;
    let Some(made) = came.file else {
        let Some(known) = known else {
            return fault(format!("unable to download '{url}': HTTP error 304"));
        };
        cache.note("tarball", url, record.unwrap_or_default());
        return Ok(known);
    };
    let name = format!("tar:{}", HEXLOWER.encode(&came.digest));
    let place = cache.tree(&name);
    if !place.exists() || cache.record("tree", &name).is_none() {
        let scratch = cache.scratch_folder()?;
        let last_modified = unpack(made.path(), scratch.path())?;
        let top = without_top(scratch.path())?;
        if top == scratch.path() {
            cache.keep(&scratch.keep(), &place)?;
        } else {
            cache.keep(&top, &place)?;
        }
        cache.note("tree", &name, json!({ "lastModified": last_modified }));
    }
    let mut record = json!({ "etag": came.etag, "tree": name });
    if let Some(url) = came.immutable_url {
        record["immutableUrl"] = json!(url);
    }
    let found = tree_of(cache, &record);
    cache.note("tarball", url, record);
    match found {
        Some(tree) => Ok(tree),
        None => fault(format!("the cache has lost what was unpacked of '{url}'")),
    }
}

fn tree_of(cache: &Cache, record: &serde_json::Value) -> Option<Tree> {
    let mut tree = tree_by_name(cache, cache::text(record, "tree")?)?;
    tree.immutable_url = cache::text(record, "immutableUrl").map(str::to_owned);
    Some(tree)
}

/// The tree that the cache has under this name.
pub fn tree_by_name(cache: &Cache, name: &str) -> Option<Tree> {
    let record = cache.record("tree", name)?;
    let place = cache.tree(name);
    place.exists().then(|| Tree {
        place,
        name: name.to_owned(),
        last_modified: record["lastModified"].as_u64().unwrap_or(0),
        nar_hash: cache::text(&record, "narHash").map(str::to_owned),
        immutable_url: None,
    })
}

/// The tree in the cache whose archive has this hash.
pub fn tree_by_hash(cache: &Cache, nar_hash: &str) -> Option<Tree> {
    let record = cache.record("nar", nar_hash)?;
    let tree = tree_by_name(cache, cache::text(&record, "tree")?)?;
    (tree.nar_hash.as_deref() == Some(nar_hash)).then_some(tree)
}

/// Notes the hash of the archive of a tree.
pub fn note_hash(cache: &Cache, name: &str, nar_hash: &str) {
    let Some(mut record) = cache.record("tree", name) else {
        return;
    };
    if cache::text(&record, "narHash") != Some(nar_hash) {
        record["narHash"] = json!(nar_hash);
        cache.note("tree", name, record);
        cache.note("nar", nar_hash, json!({ "tree": name }));
    }
}

/// Whether a URL is that of a file here, which is looked at each time.
fn is_local(url: &str) -> bool {
    url.starts_with("file:")
}

/// What is often meant by mistake.
fn check_local(text: &str) -> Result<(), Fault> {
    let url = Url::parse(text, false)?;
    if url.scheme != "file" {
        return Ok(());
    }
    let path = url.file_path();
    let path = Path::new(&path);
    if !path.is_absolute() {
        return fault(format!(
            "tarball '{url}' must use an absolute path. The 'file' scheme does not support relative paths."
        ));
    }
    let shown = path.display();
    if !path.exists() {
        return fault(format!("tarball \"{shown}\" does not exist."));
    }
    if path.is_dir() {
        return fault(if path.join(".git").exists() {
            format!(
                "tarball \"{shown}\" is a git repository, not a tarball. Please use `git+file` as the scheme."
            )
        } else {
            format!("tarball \"{shown}\" is a directory, not a file.")
        });
    }
    Ok(())
}
