//! What the Nix texts in `flake/` cannot say themselves. None of these is in `builtins`.

use crate::fetch::obtain::{caution, date, said};
use crate::fetch::reference::Reference;
use crate::fetch::values::{from_value, text, to_value};
use piton_plugin_api::{Cx, Result, Value, builtin};

builtin! {
    /// Fails with `message`, as builtins fail: `tryEval` does not catch it.
    name = "flakeFail", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_fail<'f>(cx, message: string) {
        let message = text(cx, message)?;
        Err(cx.fail(message))
    }
}

builtin! {
    /// Warns of `message` and evaluates to `value`.
    name = "flakeWarn", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_warn<'f>(cx, message: string, value: lazy) {
        caution(cx, text(cx, message)?).await?;
        cx.force(value).await
    }
}

builtin! {
    /// The attributes of the reference that is written `reference`; relative paths are allowed.
    name = "flakeParse", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_parse<'f>(cx, reference: string, is_flake: bool) {
        let reference = text(cx, reference)?;
        let is_flake = cx.bool(is_flake)?;
        let reference = said(cx, Reference::parse(&reference, is_flake, true))?;
        Ok(to_value(cx, &reference.attrs()))
    }
}

builtin! {
    /// The attributes of a reference, checked and complete.
    name = "flakeReference", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_reference<'f>(cx, attrs: attrs) {
        Ok(to_value(cx, &of_value(cx, attrs).await?.attrs()))
    }
}

builtin! {
    /// The attributes of a reference in the form in which they are compared.
    name = "flakeCanonical", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_canonical<'f>(cx, attrs: attrs) {
        Ok(to_value(cx, &of_value(cx, attrs).await?.canonical().attrs()))
    }
}

builtin! {
    /// A reference as text.
    name = "flakeShow", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_show<'f>(cx, attrs: attrs) {
        Ok(cx.string(of_value(cx, attrs).await?.to_string()))
    }
}

builtin! {
    /// Whether a reference names the same thing for ever.
    name = "flakeIsLocked", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    async fn flake_is_locked<'f>(cx, attrs: attrs) {
        let reference = of_value(cx, attrs).await?;
        Ok(Value::bool(said(cx, reference.input.is_locked())?))
    }
}

builtin! {
    /// Seconds since 1970 as a date: `20240131235959`.
    name = "flakeDate", since = "0.1.0", example = "1" => "1",
    flags = [HIDDEN],
    leaf fn flake_date<'f>(cx, time: int) {
        Ok(cx.string(date(u64::try_from(cx.int(time)?).unwrap_or(0))))
    }
}

async fn of_value<'f>(cx: Cx<'f>, attrs: &Value<'f>) -> Result<Reference> {
    let attrs = from_value(cx, attrs, "flake input attribute").await?;
    said(cx, Reference::from_attrs(attrs))
}
