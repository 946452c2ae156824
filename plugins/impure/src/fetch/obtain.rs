//! From an [`Input`] to a path in the store: found there or in the cache, or else fetched; then compared with what was said of it.

use super::attrs::{Attr, Attrs, Fault, fault};
use super::cache::Cache;
use super::input::{Input, Kind};
use super::url::Url;
use super::{forge, git_input, path_input, tarball};
use piton_plugin_api::abi::{emit, request};
use piton_plugin_api::{Attribute, Cx, ErrorKind, Result, Value};
use std::path::PathBuf;

/// What was fetched, before it is in the store.
pub struct Fetched {
    /// Where it is, and stays.
    pub place: PathBuf,
    /// What there does not belong to it.
    pub exclude: Vec<PathBuf>,
    /// The name by which the cache knows it.
    pub tree: Option<String>,
    /// The hash of its archive, if that is known.
    pub nar_hash: Option<String>,
    /// What names it now.
    pub input: Input,
    /// Where its commits can be counted.
    pub history: Option<History>,
}

impl Fetched {
    /// What was unpacked from an archive: all of it, without commits.
    pub fn of_tree(tree: tarball::Tree, input: Input) -> Self {
        Fetched {
            place: tree.place,
            exclude: Vec::new(),
            tree: Some(tree.name),
            nar_hash: tree.nar_hash,
            input,
            history: None,
        }
    }
}

/// Where the commits that led to one can be counted.
#[derive(Clone)]
pub struct History {
    /// The repository.
    pub repository: PathBuf,
    /// The commit.
    pub rev: String,
    /// How messages call the repository.
    pub shown: String,
}

/// What is in the store.
pub struct Obtained<'f> {
    /// Its path, a string with context.
    pub path: Value<'f>,
    /// What names it now.
    pub input: Input,
    /// Where its commits can be counted.
    pub history: Option<History>,
}

/// The error of a fault.
pub fn said<T>(cx: Cx<'_>, result: std::result::Result<T, Fault>) -> Result<T> {
    result.map_err(|fault| cx.error(ErrorKind::Eval, fault.text()))
}

/// Says what takes time.
pub async fn notice(cx: Cx<'_>, text: String) -> Result<()> {
    let text = cx.string(text);
    cx.ask(request::EMIT, emit::NOTICE, [&text]).await?;
    Ok(())
}

/// Warns.
pub async fn caution(cx: Cx<'_>, text: String) -> Result<()> {
    let text = cx.string(text);
    cx.ask(request::EMIT, emit::CAUTION, [&text]).await?;
    Ok(())
}

/// Whether evaluation runs in the mode of that name, or an experimental feature of that name is enabled.
pub async fn is_enabled(cx: Cx<'_>, name: &str) -> Result<bool> {
    let name = cx.string(name);
    let answer = cx.ask(request::SETTING, 0, [&name]).await?;
    cx.bool(&answer)
}

/// Flags of `PATH_EXISTS`: links are followed, and it fails where what is there may not be seen.
const FOLLOW_AND_REFUSE: u64 = 1 | 2;

/// An error unless restricted evaluation permits this URL: files on the search path.
pub async fn check_url(cx: Cx<'_>, url: &str) -> Result<()> {
    if !is_enabled(cx, "restrict-eval").await? {
        return Ok(());
    }
    let path = match Url::parse(url, false) {
        Ok(parsed) if parsed.scheme == "file" => parsed.file_path(),
        _ if url.starts_with('/') => url.to_owned(),
        _ => {
            let text = format!("access to URI '{url}' is forbidden in restricted mode");
            return Err(cx.error(ErrorKind::Forbidden, text));
        }
    };
    let path = cx.string(path);
    cx.ask(request::PATH_EXISTS, FOLLOW_AND_REFUSE, [&path])
        .await?;
    Ok(())
}

/// The store path of what has this name and hash, if it is there.
pub async fn find_in_store<'f>(
    cx: Cx<'f>,
    name: &str,
    hash: &str,
    flags: u64,
) -> Result<Option<Value<'f>>> {
    let (name, hash) = (cx.string(name), cx.string(hash));
    cx.ask_optional(request::FIND_IN_STORE, flags, [&name, &hash])
        .await
}

/// Adds what lies at a place to the store: its path there, and the hash of its archive.
pub async fn add_to_store<'f>(
    cx: Cx<'f>,
    name: &str,
    place: &std::path::Path,
    exclude: &[PathBuf],
    nar_hash: Option<&str>,
    flags: u64,
) -> Result<(Value<'f>, String)> {
    let bytes = |path: &std::path::Path| {
        use std::os::unix::ffi::OsStrExt;
        cx.string(path.as_os_str().as_bytes())
    };
    let mut options = vec![Attribute::new(cx.symbol("name"), cx.string(name))];
    if let Some(hash) = nar_hash {
        options.push(Attribute::new(cx.symbol("narHash"), cx.string(hash)));
    }
    if !exclude.is_empty() {
        let paths: Vec<Value<'f>> = exclude.iter().map(|path| bytes(path)).collect();
        options.push(Attribute::new(cx.symbol("exclude"), cx.list(&paths)));
    }
    let (place, options) = (bytes(place), cx.attrs(&options));
    let added = cx
        .ask(request::ADD_FETCHED_TO_STORE, flags, [&place, &options])
        .await?;
    let member = |name: &str| {
        cx.attrs_get(&added, cx.symbol(name))
            .ok_or_else(|| cx.fail("the host did not say what it added to the store"))
    };
    let path = member("outPath")?;
    let hash = member("narHash")?;
    let hash = String::from_utf8_lossy(cx.bytes(&hash)?).into_owned();
    Ok((path, hash))
}

/// Fetches an input, or finds it where it is already.
pub async fn obtain<'f>(cx: Cx<'f>, input: &Input) -> Result<Obtained<'f>> {
    if input.kind.is_none() {
        return Err(cx.fail(format!("cannot fetch unsupported input '{}'", input.attrs)));
    }
    let hash = said(
        cx,
        input
            .attrs
            .text("narHash")
            .map(|hash| hash.unwrap_or_default().to_owned()),
    )?;
    if hash.starts_with("blake3-") && !is_enabled(cx, "blake3-hashes").await? {
        return Err(cx.fail(
            "experimental Nix feature 'blake3-hashes' is disabled; \
             add '--extra-experimental-features blake3-hashes' to enable it",
        ));
    }
    let expected = said(cx, input.nar_hash())?;
    let name = said(cx, input.name().map(str::to_owned))?;
    let is_final = said(cx, input.attrs.is_set("__final"))?;
    // What a lock file says is complete: nothing has to be asked of where it came from.
    if let Some(hash) = expected.as_deref().filter(|_| is_final) {
        let mut input = input.clone();
        input.attrs.set("narHash", hash);
        if let Some(path) = find_in_store(cx, &name, hash, 0).await? {
            return Ok(Obtained {
                path,
                input,
                history: None,
            });
        }
        let cache = said(cx, Cache::open())?;
        if let Some(tree) = tarball::tree_by_hash(&cache, hash) {
            let (path, _) = add_to_store(cx, &name, &tree.place, &[], Some(hash), 0).await?;
            return Ok(Obtained {
                path,
                input,
                history: None,
            });
        }
    }
    let fetched = fetch(cx, input.clone()).await?;
    let known = fetched.nar_hash.as_deref();
    let (path, hash) = add_to_store(cx, &name, &fetched.place, &fetched.exclude, known, 0).await?;
    if let Some(tree) = fetched.tree.as_deref().filter(|_| known.is_none()) {
        tarball::note_hash(&said(cx, Cache::open())?, tree, &hash);
    }
    let mut result = fetched.input;
    result.attrs.set("narHash", hash);
    said(cx, compare(input, &mut result))?;
    Ok(Obtained {
        path,
        input: result,
        history: fetched.history,
    })
}

/// Fetches by the input's kind.
async fn fetch<'f>(cx: Cx<'f>, input: Input) -> Result<Fetched> {
    match input.kind {
        Some(Kind::Path) => path_input::fetch(cx, input).await,
        Some(Kind::File) => {
            let url = said(cx, input.attrs.required("url").map(str::to_owned))?;
            let file = file(cx, &url, &[]).await?;
            Ok(Fetched {
                place: file.place,
                exclude: Vec::new(),
                tree: None,
                nar_hash: None,
                input,
                history: None,
            })
        }
        Some(Kind::Tarball) => {
            let url = said(cx, input.attrs.required("url").map(str::to_owned))?;
            let expected = said(cx, input.nar_hash())?;
            let tree = archive(cx, &url, &[], expected.as_deref(), &url).await?;
            let mut input = input;
            if let Some(url) = &tree.immutable_url {
                let parsed = said(cx, Url::parse(url, false))?;
                input = said(cx, Input::from_url(&parsed, true))?;
                if input.kind != Some(Kind::Tarball) {
                    return Err(cx.fail(
                        "tarball 'Link' headers that redirect to non-tarball URLs are not supported",
                    ));
                }
            }
            if tree.last_modified != 0 && !input.attrs.has("lastModified") {
                input.attrs.set_int("lastModified", tree.last_modified);
            }
            Ok(Fetched::of_tree(tree, input))
        }
        Some(Kind::Git) => git_input::fetch(cx, input).await,
        Some(Kind::GitHub | Kind::GitLab | Kind::SourceHut) => forge::fetch(cx, input).await,
        Some(Kind::Indirect) if is_enabled(cx, "pure-eval").await? => Err(cx.fail(format!(
            "indirect input '{input}' cannot be fetched directly"
        ))),
        Some(Kind::Indirect) => Err(cx.fail(format!(
            "cannot find flake '{input}' in the flake registries"
        ))),
        None => Err(cx.fail(format!("cannot fetch unsupported input '{}'", input.attrs))),
    }
}

/// The file at a URL.
pub async fn file(cx: Cx<'_>, url: &str, headers: &[(String, String)]) -> Result<tarball::File> {
    let cache = said(cx, Cache::open())?;
    if let Some(file) = tarball::cached_file(&cache, url) {
        return Ok(file);
    }
    notice(cx, format!("downloading '{url}'...")).await?;
    said(cx, tarball::file(&cache, url, headers))
}

/// The archive at a URL, unpacked. `shown` is how messages call it.
pub async fn archive(
    cx: Cx<'_>,
    url: &str,
    headers: &[(String, String)],
    expected: Option<&str>,
    shown: &str,
) -> Result<tarball::Tree> {
    let cache = said(cx, Cache::open())?;
    if let Some(tree) = tarball::cached_tree(&cache, url, expected) {
        return Ok(tree);
    }
    notice(cx, format!("unpacking '{shown}' into the cache...")).await?;
    said(cx, tarball::tree(&cache, url, headers))
}

/// Compares what was asked for with what came.
fn compare(asked: &Input, came: &mut Input) -> std::result::Result<(), Fault> {
    let expected = asked.nar_hash()?;
    if asked.attrs.is_set("__final")? {
        let mut asked = asked.attrs.clone();
        if let Some(hash) = expected {
            asked.set("narHash", hash);
        }
        for (name, value) in &asked.0 {
            if came.attrs.0.get(name).is_some_and(|other| other != value) {
                return fault(format!(
                    "mismatch in field '{name}' of input '{asked}', got '{}'",
                    came.attrs
                ));
            }
        }
        came.attrs = asked;
        return Ok(());
    }
    if let Some(expected) = expected {
        let got = came.nar_hash()?.unwrap_or_default();
        if got != expected {
            return fault(format!(
                "NAR hash mismatch in input '{asked}', expected '{expected}' but got '{got}'"
            ));
        }
    }
    if let Some(rev) = asked.attrs.text("rev")?
        && came.attrs.text("rev")? != Some(rev)
    {
        return fault(format!(
            "'rev' attribute mismatch in input '{came}', expected {rev}"
        ));
    }
    came.attrs.0.insert("__final".to_owned(), Attr::Bool(true));
    Ok(())
}

/// A text of an input's attributes that nobody has given a wrong type.
fn text<'a>(attrs: &'a Attrs, name: &str) -> Option<&'a str> {
    attrs.text(name).ok().flatten()
}

/// The set that fetchers answer. With `zero`, what has no commit has one of zeros.
pub async fn tree_value<'f>(cx: Cx<'f>, obtained: &Obtained<'f>, zero: bool) -> Result<Value<'f>> {
    const ZEROS: &str = "0000000000000000000000000000000000000000";
    let attrs = &obtained.input.attrs;
    let mut members = vec![Attribute::new(cx.symbol("outPath"), obtained.path.clone())];
    let mut add = |name: &str, value: Value<'f>| {
        members.push(Attribute::new(cx.symbol(name), value));
    };
    if let Some(hash) = text(attrs, "narHash") {
        add("narHash", cx.string(hash));
    }
    if obtained.input.kind == Some(Kind::Git) {
        add(
            "submodules",
            Value::bool(attrs.is_set("submodules").unwrap_or(false)),
        );
    }
    match text(attrs, "rev") {
        Some(rev) => {
            add("rev", cx.string(rev));
            add("shortRev", cx.string(rev.get(..7).unwrap_or(rev)));
        }
        None if zero => {
            add("rev", cx.string(ZEROS));
            add("shortRev", cx.string(&ZEROS[..7]));
        }
        None => {}
    }
    if let Some(count) = said(cx, attrs.int("revCount"))? {
        add("revCount", int(count));
    } else if let Some(history) = &obtained.history {
        // Counting takes a while, and mostly nobody asks.
        use std::os::unix::ffi::OsStrExt;
        let count = cx.eval_text("__gitRevisionCount").await?;
        let arguments = [
            cx.string(history.repository.as_os_str().as_bytes()),
            cx.string(&history.rev),
            cx.string(&history.shown),
        ];
        add("revCount", cx.apply_lazily(&count, &arguments));
    } else if zero {
        add("revCount", int(0));
    }
    for name in ["dirtyRev", "dirtyShortRev"] {
        if let Some(rev) = text(attrs, name) {
            add(name, cx.string(rev));
        }
    }
    if let Some(time) = said(cx, attrs.int("lastModified"))? {
        add("lastModified", int(time));
        add("lastModifiedDate", cx.string(date(time)));
    }
    Ok(cx.attrs(&members))
}

fn int<'f>(number: u64) -> Value<'f> {
    Value::int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Seconds since 1970 as `20240131235959`, in UTC.
pub fn date(time: u64) -> String {
    let (days, second) = (time / 86_400, time % 86_400);
    // Civil from days, counted in eras of 400 years that begin in March.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    /// As `date -u -d @N +%Y%m%d%H%M%S` says.
    #[test]
    fn dates() {
        for (time, expected) in [
            (0, "19700101000000"),
            (1_600_000_000, "20200913122640"),
            (951_782_400, "20000229000000"),
            (4_107_542_399, "21000228235959"),
            (4_107_542_400, "21000301000000"),
        ] {
            assert_eq!(date(time), expected);
        }
    }
}
