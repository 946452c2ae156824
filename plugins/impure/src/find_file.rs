//! `builtins.findFile`, which is what `<name>` means.

use crate::fetch::obtain::is_enabled;
use crate::support::{failure, forced, plain};
use piton_plugin_api::abi::request;
use piton_plugin_api::{Cx, ErrorKind, Result, Type, Value, builtin};

builtin! {
    /// Looks up `name` in `search_path`, a list of `{ path, prefix }`: the first entry whose `prefix` begins `name` (up to a slash;
    /// without a prefix every entry does) and below whose `path` the rest of `name` exists. The result is a path with all links
    /// resolved; where there is none, an error that `tryEval` catches. `<name>` is `findFile __nixPath "name"`.
    name = "findFile", since = "0.1.0",
    example = "builtins.findFile [ { prefix = \"devices\"; path = \"/dev\"; } ] \"devices/null\"" => "/dev/null",
    needs = [READ],
    async fn find_file<'f>(cx, search_path: list, name: lazy) {
        let entries = entries(cx, search_path).await?;
        let name = forced(cx, name, Type::String).await?;
        let wanted = plain(cx, &name)?.to_vec();
        for entry in &entries {
            let Some(suffix) = suffix(&entry.prefix, &wanted) else {
                continue;
            };
            if let Some(found) = look_up(cx, entry, suffix, &name).await? {
                return Ok(found);
            }
        }
        if wanted.starts_with(b"nix/") {
            // The files that come with Nix; the host knows what it has in their place.
            let shipped = cx.string([b"<", wanted.as_slice(), b">"].concat());
            let found = cx.ask_optional(request::RESOLVE_SEARCH_PATH, 0, [&shipped, &name]);
            if let Some(found) = found.await? {
                return Ok(found);
            }
        }
        if is_enabled(cx, "pure-eval").await? {
            let reason = b">' in pure evaluation mode (use '--impure' to override)";
            return Err(failure(cx, ErrorKind::Throw, &[b"cannot look up '<", &wanted, reason]));
        }
        let reason = b"' was not found in the Nix search path (add it using $NIX_PATH or -I)";
        Err(failure(cx, ErrorKind::Throw, &[b"file '", &wanted, reason]))
    }
}

/// An entry of the search path.
struct Entry<'f> {
    prefix: Vec<u8>,
    path: Value<'f>,
}

/// Evaluates all entries before any is used, as Nix does.
async fn entries<'f>(cx: Cx<'f>, list: &Value<'f>) -> Result<Vec<Entry<'f>>> {
    let (prefix, path) = (cx.symbol("prefix"), cx.symbol("path"));
    let len = cx.list_len(list)?;
    let mut entries = Vec::with_capacity(len);
    for index in 0..len {
        let entry = forced(cx, &cx.list_get(list, index), Type::Attrs).await?;
        let prefix = match cx.attrs_get(&entry, prefix) {
            Some(value) => {
                let value = forced(cx, &value, Type::String).await?;
                plain(cx, &value)?.to_vec()
            }
            None => Vec::new(),
        };
        let path = cx
            .attrs_get(&entry, path)
            .ok_or_else(|| cx.error(ErrorKind::MissingAttribute, "attribute 'path' missing"))?;
        let path = cx.coerce_to_string(&path, 0).await?;
        entries.push(Entry { prefix, path });
    }
    Ok(entries)
}

/// What of `name` is to be found below an entry with this prefix, if the prefix fits.
fn suffix<'n>(prefix: &[u8], name: &'n [u8]) -> Option<&'n [u8]> {
    let rest = name.strip_prefix(prefix)?;
    match rest {
        _ if prefix.is_empty() => Some(rest),
        [] => Some(rest),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// The path of `suffix` below an entry, if both are there.
async fn look_up<'f>(
    cx: Cx<'f>,
    entry: &Entry<'f>,
    suffix: &[u8],
    name: &Value<'f>,
) -> Result<Option<Value<'f>>> {
    let base = cx.ask_optional(request::RESOLVE_SEARCH_PATH, 0, [&entry.path, name]);
    let Some(base) = base.await? else {
        return Ok(None);
    };
    let candidate = cx.path(below(cx.bytes(&base)?, suffix));
    let exists = cx.ask(request::PATH_EXISTS, 0, [&candidate]).await?;
    if !cx.bool(&exists)? {
        return Ok(None);
    }
    // Resolves the links, and finds out that one of them leads nowhere.
    cx.ask_optional(request::RESOLVE_SEARCH_PATH, 0, [&candidate, name])
        .await
}

/// `suffix` below `base`. Dots are taken away first and by text alone, so that nothing above `base` can be reached.
fn below(base: &[u8], suffix: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in suffix.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut path = base.to_vec();
    for part in parts {
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(part);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let of = |prefix: &str, name: &'static str| {
            suffix(prefix.as_bytes(), name.as_bytes())
                .map(|rest| String::from_utf8_lossy(rest).into_owned())
        };
        assert_eq!(of("", "a/b").as_deref(), Some("a/b"));
        assert_eq!(of("", "/a").as_deref(), Some("/a"));
        assert_eq!(of("a", "a").as_deref(), Some(""));
        assert_eq!(of("a", "a/b").as_deref(), Some("b"));
        assert_eq!(of("a/b", "a/b/c").as_deref(), Some("c"));
        assert_eq!(of("a", "ab"), None);
        assert_eq!(of("a/", "a/b"), None);
        assert_eq!(of("ab", "a"), None);
    }

    #[test]
    fn paths_below() {
        let of = |base: &str, suffix: &str| {
            String::from_utf8_lossy(&below(base.as_bytes(), suffix.as_bytes())).into_owned()
        };
        assert_eq!(of("/w", "d//./x/"), "/w/d/x");
        assert_eq!(of("/w", "../w/f"), "/w/w/f");
        assert_eq!(of("/w", "a/../f"), "/w/f");
        assert_eq!(of("/", "f"), "/f");
        assert_eq!(of("/w", ""), "/w");
    }
}
