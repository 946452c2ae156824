//! `builtins.fetchurl` and `fetchTarball`.

use crate::fetch::Cache;
use crate::fetch::input::sri;
use crate::fetch::obtain::{
    add_to_store, archive, caution, check_url, file, find_in_store, is_enabled, said,
};
use crate::fetch::tarball::{note_hash, tree_by_hash};
use crate::fetch::values::text;
use crate::hash_text::{nix32, parse_sha256};
use crate::support::{forced, plain};
use piton_plugin_api::abi::request;
use piton_plugin_api::{Cx, ErrorKind, Result, Type, Value, builtin};

/// Flag of requests to the store: a file, not an archive.
const FLAT: u64 = 1;
/// The longest name in the store.
const MAX_NAME: usize = 211;

builtin! {
    /// Downloads a file and evaluates to its path in the store. `args` is a URL, or a set of `url`, `name` (the name in the store;
    /// the last part of the URL if absent) and `sha256` (the hash that is expected, without which pure evaluation downloads
    /// nothing).
    name = "fetchurl", since = "0.1.0", example = "builtins.isFunction builtins.fetchurl" => "true",
    needs = [READ, STORE_WRITE, NET],
    async fn fetchurl<'f>(cx, args: any) {
        let arguments = arguments(cx, args, "fetchurl", None).await?;
        if let Some(expected) = &arguments.expected {
            let hash = sri(expected);
            if let Some(path) = find_in_store(cx, &arguments.name, &hash, FLAT).await? {
                return Ok(path);
            }
            // The cache names files by their hash.
            let place = said(cx, Cache::open())?.file(expected);
            if place.is_file() {
                let added = add_to_store(cx, &arguments.name, &place, &[], None, FLAT).await?;
                return Ok(added.0);
            }
        }
        let file = file(cx, &arguments.url, &[]).await?;
        check(cx, &arguments, &file.digest)?;
        let added = add_to_store(cx, &arguments.name, &file.place, &[], None, FLAT).await?;
        Ok(added.0)
    }
}

builtin! {
    /// Downloads an archive, unpacks it and evaluates to its path in the store. If it holds nothing but a folder, that folder is
    /// what counts. `args` is a URL, or a set of `url`, `name` (the name in the store; `source` if absent) and `sha256` (the hash
    /// of what was unpacked, without which pure evaluation downloads nothing). Archives are tar files, plain or packed with gzip,
    /// bzip2, xz or zstd.
    name = "fetchTarball", since = "0.1.0", example = "builtins.isFunction fetchTarball" => "true",
    flags = [BARE],
    needs = [READ, STORE_WRITE, NET],
    async fn fetch_tarball<'f>(cx, args: any) {
        let arguments = arguments(cx, args, "fetchTarball", Some("source")).await?;
        if let Some(expected) = &arguments.expected {
            let hash = sri(expected);
            if let Some(path) = find_in_store(cx, &arguments.name, &hash, 0).await? {
                return Ok(path);
            }
            if let Some(tree) = tree_by_hash(&said(cx, Cache::open())?, &hash) {
                let added = add_to_store(cx, &arguments.name, &tree.place, &[], Some(&hash), 0).await?;
                return Ok(added.0);
            }
        }
        // A call of its own, so that an error says what was being fetched.
        let function = cx.eval_text("__fetchArchive").await?;
        let strings = [cx.string(&arguments.url), cx.string(&arguments.name)];
        let call = cx.apply_lazily(&function, &strings);
        let label = cx.string(format!("while fetching the input '{}'", arguments.url));
        let added = cx.ask(request::FORCE_WITH_CONTEXT, 0, [&call, &label]).await?;
        let member = |name: &str| cx.attrs_get(&added, cx.symbol(name));
        let (Some(path), Some(hash)) = (member("outPath"), member("narHash")) else {
            return Err(cx.fail("nothing was fetched"));
        };
        let hash = text(cx, &hash)?;
        if let Some(got) = parse_sha256(&hash) {
            check(cx, &arguments, &got)?;
        }
        Ok(path)
    }
}

builtin! {
    /// Downloads an archive and adds what is in it to the store as `name`; `{ outPath, narHash }`.
    name = "fetchArchive", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    needs = [READ, STORE_WRITE, NET],
    async fn fetch_archive<'f>(cx, url: string, name: string) {
        let url = text(cx, url)?;
        let tree = archive(cx, &url, &[], None, &url).await?;
        let known = tree.nar_hash.as_deref();
        let (path, hash) = add_to_store(cx, &text(cx, name)?, &tree.place, &[], known, 0).await?;
        note_hash(&said(cx, Cache::open())?, &tree.name, &hash);
        Ok(cx.attrs(&[
            piton_plugin_api::Attribute::new(cx.symbol("outPath"), path),
            piton_plugin_api::Attribute::new(cx.symbol("narHash"), cx.string(hash)),
        ]))
    }
}

/// What both take.
struct Arguments {
    url: String,
    name: String,
    expected: Option<[u8; 32]>,
}

async fn arguments<'f>(
    cx: Cx<'f>,
    args: &Value<'f>,
    who: &str,
    default_name: Option<&str>,
) -> Result<Arguments> {
    let mut url = None;
    let mut name = None;
    let mut expected = None;
    let is_set = args.kind() == Type::Attrs;
    if is_set {
        for attribute in cx.attrs_items(args)? {
            let key = cx.name(attribute.name);
            if !matches!(key, b"url" | b"sha256" | b"name") {
                let key = String::from_utf8_lossy(key);
                return Err(cx.fail(format!("unsupported argument '{key}' to '{who}'")));
            }
            let value = forced(cx, &attribute.value, Type::String).await?;
            plain(cx, &value)?;
            let value = text(cx, &value)?;
            match key {
                b"url" => url = Some(value),
                b"name" => name = Some(value),
                _ => expected = Some(hash(cx, &value).await?),
            }
        }
    } else {
        let value = forced(cx, args, Type::String).await?;
        plain(cx, &value)?;
        url = Some(text(cx, &value)?);
    }
    let Some(mut url) = url else {
        return Err(cx.fail("'url' argument required"));
    };
    if let Some(channel) = url
        .strip_prefix("channel:")
        .filter(|_| who == "fetchTarball")
    {
        url = format!("https://channels.nixos.org/{channel}/nixexprs.tar.xz");
    }
    check_url(cx, &url).await?;
    let was_named = name.is_some();
    let name = name
        .or_else(|| default_name.map(str::to_owned))
        .unwrap_or_else(|| {
            let path = url.trim_end_matches('/');
            path.rsplit('/').next().unwrap_or_default().to_owned()
        });
    if let Err(reason) = check_name(&name) {
        let advice = if was_named {
            format!("Please change the value for the 'name' attribute passed to '{who}', so")
        } else if is_set {
            format!("Please add a valid 'name' attribute to the argument for '{who}', so")
        } else {
            // Nix has the two spaces.
            format!("Please pass an attribute set with 'url' and 'name' attributes to '{who}',  so")
        };
        return Err(cx.fail(format!(
            "invalid store path name when fetching URL '{url}': {reason}. {advice} that it can create a valid store path."
        )));
    }
    if expected.is_none() && is_enabled(cx, "pure-eval").await? {
        return Err(cx.fail(format!(
            "in pure evaluation mode, '{who}' requires a 'sha256' argument"
        )));
    }
    if !url.contains(':') {
        return Err(cx.fail(format!("URL '{url}' doesn't have a scheme")));
    }
    Ok(Arguments {
        url,
        name,
        expected,
    })
}

/// A hash in any notation; an empty one is that of nobody, for who wants to be told the right one.
async fn hash(cx: Cx<'_>, given: &str) -> Result<[u8; 32]> {
    if given.is_empty() {
        let zero = [0; 32];
        caution(cx, format!("found empty hash, assuming '{}'", sri(&zero))).await?;
        return Ok(zero);
    }
    // The host knows the notations and what to say of a mistake.
    find_in_store(cx, "source", given, 0).await?;
    parse_sha256(given).ok_or_else(|| cx.fail(format!("invalid hash '{given}'")))
}

fn check(cx: Cx<'_>, arguments: &Arguments, got: &[u8]) -> Result<()> {
    match &arguments.expected {
        Some(expected) if expected[..] != *got => Err(cx.error(
            ErrorKind::Eval,
            format!(
                "hash mismatch in file downloaded from '{}':\n  specified: sha256:{}\n  got:       sha256:{}",
                arguments.url,
                nix32(expected),
                nix32(got)
            ),
        )),
        _ => Ok(()),
    }
}

/// Why this cannot be the name of a thing in the store.
fn check_name(name: &str) -> std::result::Result<(), String> {
    if name.is_empty() {
        return Err("name must not be empty".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!(
            "name '{name}' must be no longer than {MAX_NAME} characters"
        ));
    }
    if name == "." || name == ".." {
        return Err(format!("name '{name}' is not valid"));
    }
    if let Some((dots @ ("." | ".."), _)) = name.split_once('-') {
        return Err(format!(
            "name '{name}' is not valid: first dash-separated component must not be '{dots}'"
        ));
    }
    match name
        .chars()
        .find(|character| !character.is_ascii_alphanumeric() && !"+-._?=".contains(*character))
    {
        None => Ok(()),
        Some(character) => Err(format!(
            "name '{name}' contains illegal character '{character}'"
        )),
    }
}
