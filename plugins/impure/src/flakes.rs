//! `builtins.parseFlakeRef`, `flakeRefToString` and `getFlake`.

use crate::fetch::obtain::{is_enabled, said};
use crate::fetch::reference::Reference;
use crate::fetch::values::{from_value, text, to_value};
use crate::support::{forced, plain};
use piton_plugin_api::{Cx, Result, Type, Value, builtin};

builtin! {
    /// The flake reference `flake_ref` as the set of its attributes.
    name = "parseFlakeRef", since = "0.1.0", example = "builtins.isFunction builtins.parseFlakeRef" => "true",
    async fn parse_flake_ref<'f>(cx, flake_ref: lazy) {
        require_flakes(cx).await?;
        let reference = string(cx, &flake_ref).await?;
        let reference = said(cx, Reference::parse(&reference, true, false))?;
        Ok(to_value(cx, &reference.attrs()))
    }
}

builtin! {
    /// The flake reference that the set `attrs` says, as text.
    name = "flakeRefToString", since = "0.1.0", example = "builtins.isFunction builtins.flakeRefToString" => "true",
    async fn flake_ref_to_string<'f>(cx, attrs: lazy) {
        require_flakes(cx).await?;
        let attrs = forced(cx, &attrs, Type::Attrs).await?;
        let attrs = from_value(cx, &attrs, "flake ref attr").await?;
        let reference = said(cx, Reference::from_attrs(attrs))?;
        Ok(cx.string(said(cx, reference.url())?.to_string()))
    }
}

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
