//! `builtins.fetchTree` and `fetchGit`, and what they leave to be fetched.

use crate::fetch::attrs::{Attr, Attrs};
use crate::fetch::git::Repository;
use crate::fetch::input::Input;
use crate::fetch::obtain::{caution, check_url, is_enabled, obtain, said, tree_value};
use crate::fetch::url::{Url, fix_git_url};
use crate::fetch::values::{from_value, text, to_value, type_name};
use crate::support::forced;
use piton_plugin_api::abi::request;
use piton_plugin_api::{Attribute, Cx, Result, Type, Value, builtin};
use std::path::Path;

builtin! {
    /// Fetches a tree of files or a single file, and evaluates to a set of its path in the store (`outPath`), its hash (`narHash`)
    /// and what else there is to know of it, such as `rev` and `lastModified`. `input` is a set whose `type` is one of
    ///
    /// - `path`: what is at `path` on this machine;
    /// - `file`: the file at `url`; `tarball`: the archive there, unpacked, without its top folder;
    /// - `git`: a commit of the repository at `url` (`ref`, `rev`, `submodules`, `shallow`, `allRefs`, `exportIgnore`), or its
    ///   working tree as it is if `url` is a folder and no commit is named;
    /// - `github`, `gitlab`, `sourcehut`: the archive that a forge makes of a commit (`owner`, `repo`, `ref` or `rev`, `host`);
    ///
    /// or a flake reference that says the same. With `narHash` what comes must have that hash. Pure evaluation fetches only what
    /// is locked, by `narHash` or `rev`. It is there with the experimental feature `fetch-tree`.
    name = "fetchTree", since = "0.1.0",
    example = "builtins.isFunction (builtins.fetchTree or (_: null))" => "true",
    flags = [BARE],
    needs = [READ, STORE_WRITE, NET],
    async fn fetch_tree<'f>(cx, input: any) {
        fetch(cx, input.clone(), None).await
    }
}

builtin! {
    /// Fetches a commit of a Git repository, and evaluates to a set as `fetchTree` does, with `rev`, `shortRev`, `revCount`,
    /// `lastModified` and `submodules`. `args` is a URL or the path of a repository, or a set of `url` and the attributes that
    /// `fetchTree` takes for the type `git`, and `name`. A folder without `ref` and `rev` is taken as it is: the files that git
    /// knows, changed or not.
    name = "fetchGit", since = "0.1.0", example = "builtins.isFunction builtins.fetchGit" => "true",
    flags = [BARE],
    needs = [READ, STORE_WRITE, NET],
    async fn fetch_git<'f>(cx, args: any) {
        fetch(cx, args.clone(), Some("git")).await
    }
}

builtin! {
    /// Fetches the input that the set `attributes` names. Evaluates to `{ tree, locked }`: what `fetchTree` answers, and the
    /// attributes that name it for ever. With `zero`, what has no commit has one of zeros.
    name = "fetchInput", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    needs = [READ, STORE_WRITE, NET],
    async fn fetch_input<'f>(cx, attributes: attrs, zero: bool) {
        let attrs = from_value(cx, attributes, "input attribute").await?;
        let input = said(cx, Input::from_attrs(attrs))?;
        let obtained = obtain(cx, &input).await?;
        let tree = tree_value(cx, &obtained, cx.bool(zero)?).await?;
        let mut locked = obtained.input.attrs;
        locked.0.remove("__final");
        let locked = to_value(cx, &locked);
        Ok(cx.attrs(&[
            Attribute::new(cx.symbol("tree"), tree),
            Attribute::new(cx.symbol("locked"), locked),
        ]))
    }
}

builtin! {
    /// How many commits of `repository` led to `rev`.
    name = "gitRevisionCount", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    needs = [NET],
    async fn git_revision_count<'f>(cx, repository: string, rev: string, shown: string) {
        let repository = Repository::new(Path::new(&text(cx, repository)?));
        if repository.is_shallow() {
            let shown = text(cx, shown)?;
            return Err(cx.fail(format!(
                "'{shown}' is a shallow Git repository, so 'revCount' is not available"
            )));
        }
        let count = said(cx, repository.count(&text(cx, rev)?))?;
        Ok(Value::int(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

/// Both builtins. `kind` is the type of the input if the builtin is of that type alone.
async fn fetch<'f>(cx: Cx<'f>, argument: Value<'f>, kind: Option<&str>) -> Result<Value<'f>> {
    let who = if kind.is_some() {
        "fetchGit"
    } else {
        "fetchTree"
    };
    let input = if argument.kind() == Type::Attrs {
        let attrs = attributes(cx, &argument, kind, who).await?;
        said(cx, Input::from_attrs(attrs))?
    } else {
        let url = cx.coerce_to_string(&argument, 0).await?;
        let url = text(cx, &url)?;
        match kind {
            Some(kind) => {
                let mut attrs = Attrs::default();
                attrs.set("type", kind);
                attrs.set("url", said(cx, fix_git_url(&url))?.to_string());
                attrs.0.insert("exportIgnore".to_owned(), Attr::Bool(true));
                said(cx, Input::from_attrs(attrs))?
            }
            None => {
                if !is_enabled(cx, "flakes").await? {
                    return Err(cx.fail(format!(
                        "passing a string argument to '{who}' requires the 'flakes' experimental feature"
                    )));
                }
                let url = said(cx, Url::parse(&url, false))?;
                said(cx, Input::from_url(&url, true))?
            }
        }
    };
    if is_enabled(cx, "pure-eval").await? && !said(cx, input.is_locked())? {
        if said(cx, input.nar_hash())?.is_none() {
            return Err(cx.fail(format!(
                "in pure evaluation mode, '{who}' doesn't fetch unlocked input '{input}'"
            )));
        }
        let reason =
            "This is not reproducible and will break after garbage collection or when shared.";
        caution(
            cx,
            format!("Input '{input}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash. {reason}"),
        )
        .await?;
    }
    check_url(cx, &said(cx, input.url())?.to_string()).await?;
    if input.attrs.has("__final") {
        return Err(cx.fail(format!(
            "input '{input}' is not allowed to use the '__final' attribute"
        )));
    }
    // A call of its own, so that an error says what was being fetched.
    let function = cx.eval_text("__fetchInput").await?;
    let zero = Value::bool(kind.is_some());
    let call = cx.apply_lazily(&function, &[to_value(cx, &input.attrs), zero]);
    let label = cx.string(format!("while fetching the input '{input}'"));
    let fetched = cx
        .ask(request::FORCE_WITH_CONTEXT, 0, [&call, &label])
        .await?;
    cx.attrs_get(&fetched, cx.symbol("tree"))
        .ok_or_else(|| cx.fail("nothing was fetched"))
}

/// The attributes that the program gives.
async fn attributes<'f>(
    cx: Cx<'f>,
    argument: &Value<'f>,
    kind: Option<&str>,
    who: &str,
) -> Result<Attrs> {
    let mut attrs = Attrs::default();
    match cx.attrs_get(argument, cx.symbol("type")) {
        Some(_) if kind.is_some() => return Err(cx.fail("unexpected argument 'type'")),
        Some(value) => {
            let value = forced(cx, &value, Type::String).await?;
            attrs.set("type", text(cx, &value)?);
        }
        None => match kind {
            Some(kind) => attrs.set("type", kind),
            None => {
                return Err(cx.fail(format!("argument 'type' is missing in call to '{who}'")));
            }
        },
    }
    for attribute in cx.attrs_items(argument)? {
        let name = String::from_utf8_lossy(cx.name(attribute.name)).into_owned();
        if name == "type" {
            continue;
        }
        let value = cx.force(&attribute.value).await?;
        let attr = match value.kind() {
            Type::String | Type::Path => {
                let value = cx.coerce_to_string(&value, 0).await?;
                let value = text(cx, &value)?;
                if kind.is_some() && name == "url" {
                    Attr::Text(said(cx, fix_git_url(&value))?.to_string())
                } else {
                    Attr::Text(value)
                }
            }
            Type::Bool => Attr::Bool(value.as_bool().unwrap_or_default()),
            Type::Int => match u64::try_from(value.as_int().unwrap_or_default()) {
                Ok(number) => Attr::Int(number),
                Err(_) => {
                    let number = value.as_int().unwrap_or_default();
                    return Err(cx.fail(format!(
                        "negative value given for '{who}' argument '{name}': {number}"
                    )));
                }
            },
            kind => {
                let kind = type_name(kind);
                return Err(cx.fail(format!(
                    "argument '{name}' to '{who}' is {kind} while a string, Boolean or integer is expected"
                )));
            }
        };
        attrs.0.insert(name, attr);
    }
    let is_git = said(cx, attrs.text("type"))? == Some("git");
    if kind.is_some() && !attrs.has("exportIgnore") && !said(cx, attrs.is_set("submodules"))? {
        attrs.0.insert("exportIgnore".to_owned(), Attr::Bool(true));
    }
    if kind.is_none() && is_git && !attrs.has("shallow") {
        attrs.0.insert("shallow".to_owned(), Attr::Bool(true));
    }
    if kind.is_none() && attrs.has("name") {
        return Err(cx.fail(format!(
            "argument 'name' isn’t supported in call to '{who}'"
        )));
    }
    Ok(attrs)
}
