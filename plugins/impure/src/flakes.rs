//! `builtins.parseFlakeRef`, `flakeRefToString` and `getFlake`.

use crate::fetch::input::Kind;
use crate::fetch::obtain::{is_enabled, notice, said};
use crate::fetch::reference::Reference;
use crate::fetch::values::{from_value, text, to_value};
use crate::support::{forced, plain};
use piton_plugin_api::abi::request;
use piton_plugin_api::{Attribute, Cx, Result, Type, Value, builtin};
use std::path::Path;

builtin! {
    /// The flake reference `flake_ref` as the set of its attributes.
    name = "parseFlakeRef", since = "0.1.0", example = "builtins.isFunction builtins.parseFlakeRef" => "true",
    async fn parse_flake_ref<'f>(cx, flake_ref: lazy) {
        require_flakes(cx).await?;
        let reference = string(cx, flake_ref).await?;
        let reference = said(cx, Reference::parse(&reference, true, false))?;
        Ok(to_value(cx, &reference.attrs()))
    }
}

builtin! {
    /// The flake reference that the set `attrs` says, as text.
    name = "flakeRefToString", since = "0.1.0", example = "builtins.isFunction builtins.flakeRefToString" => "true",
    async fn flake_ref_to_string<'f>(cx, attrs: lazy) {
        require_flakes(cx).await?;
        let attrs = forced(cx, attrs, Type::Attrs).await?;
        let attrs = from_value(cx, &attrs, "flake ref attr").await?;
        let reference = said(cx, Reference::from_attrs(attrs))?;
        Ok(cx.string(said(cx, reference.url())?.to_string()))
    }
}

builtin! {
    /// The outputs of the flake that the reference `flake_ref` names, and what is known of it: `inputs`, `outPath`, `narHash`,
    /// `sourceInfo`, `lastModified`. Inputs are those of its `flake.lock`; what is not in there is locked for this evaluation alone.
    /// Pure evaluation takes only references that are locked.
    name = "getFlake", since = "0.1.0", example = "builtins.isFunction builtins.getFlake" => "true",
    needs = [READ, STORE_WRITE, NET],
    async fn get_flake<'f>(cx, flake_ref: lazy) {
        require_flakes(cx).await?;
        let given = string(cx, flake_ref).await?;
        let reference = said(cx, Reference::parse(&given, true, false))?;
        let pure = is_enabled(cx, "pure-eval").await?;
        if pure && !said(cx, reference.input.is_locked())? {
            return Err(cx.fail(format!(
                "cannot call 'getFlake' on unlocked flake reference '{given}', at «none»:0 (use --impure to override)"
            )));
        }
        outputs(cx, &reference, pure).await
    }
}

builtin! {
    /// The flake that somebody has typed on a command line, relative paths starting from `base`: `{ flake, fragment, shown }`.
    name = "typedFlake", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    needs = [READ, STORE_WRITE, NET],
    async fn typed_flake<'f>(cx, reference: string, base: string) {
        require_flakes(cx).await?;
        let typed = Reference::typed(&text(cx, reference)?, Path::new(&text(cx, base)?));
        let (reference, fragment, notices) = said(cx, typed)?;
        if reference.input.kind == Some(Kind::Indirect) {
            return Err(cx.fail(format!("cannot find flake '{reference}' in the flake registries")));
        }
        for line in notices {
            notice(cx, line).await?;
        }
        // What somebody names is taken as it is, also in pure evaluation, and so are inputs that are not locked yet.
        let flake = outputs(cx, &reference, false).await?;
        Ok(cx.attrs(&[
            Attribute::new(cx.symbol("flake"), flake),
            Attribute::new(cx.symbol("fragment"), cx.string(fragment)),
            Attribute::new(cx.symbol("shown"), cx.string(reference.to_string())),
        ]))
    }
}

/// What a flake evaluates to. With `pure` an input that is not locked is an error.
async fn outputs<'f>(cx: Cx<'f>, reference: &Reference, pure: bool) -> Result<Value<'f>> {
    let read = cx.eval_text(READ).await?;
    let lock = cx.eval_text(LOCK).await?;
    let call = cx.eval_text(CALL).await?;
    let argument = cx.attrs(&[
        Attribute::new(cx.symbol("readFlake"), read),
        Attribute::new(cx.symbol("ref"), to_value(cx, &reference.attrs())),
        Attribute::new(cx.symbol("pure"), Value::bool(pure)),
    ]);
    let locked = cx.ask(request::CALL, 0, [&lock, &argument]).await?;
    cx.ask(request::CALL, 0, [&call, &locked]).await
}

/// What a `flake.nix` says.
const READ: &str = include_str!("flake/read.nix");
/// The locks of a flake.
const LOCK: &str = include_str!("flake/lock.nix");
/// The outputs of a flake.
const CALL: &str = include_str!("flake/call.nix");

/// A string without context.
async fn string<'f>(cx: Cx<'f>, value: &Value<'f>) -> Result<String> {
    let value = forced(cx, value, Type::String).await?;
    plain(cx, &value)?;
    text(cx, &value)
}

/// Flakes are an experiment of Nix, to be asked for.
async fn require_flakes(cx: Cx<'_>) -> Result<()> {
    if is_enabled(cx, "flakes").await? {
        return Ok(());
    }
    Err(cx.fail(
        "experimental Nix feature 'flakes' is disabled; add '--extra-experimental-features flakes' to enable it",
    ))
}
