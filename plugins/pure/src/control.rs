//! When something is evaluated, and what becomes of an error.

use crate::support::coerced;
use piton_plugin_api::abi::coerce::COPY_TO_STORE;
use piton_plugin_api::{Attribute, ErrorKind, Value, builtin};

builtin! {
    /// Fails with the message `s`, coerced as in an interpolation. `tryEval` does not catch it, unlike `throw`.
    name = "abort", since = "0.1.0", example = "if 1 < 2 then \"fine\" else abort \"numbers are broken\"" => "\"fine\"",
    flags = [BARE],
    async fn abort<'f>(cx, s: any as "error message passed to builtins.abort") {
        let text = coerced(cx, s, COPY_TO_STORE).await?;
        let message =
            [b"evaluation aborted with the following error message: '", cx.bytes(&text)?, b"'"].concat();
        Err(cx.error_bytes(ErrorKind::Abort, &message))
    }
}

builtin! {
    /// Fails with the message `s`, coerced as in an interpolation. `tryEval` catches it.
    name = "throw", since = "0.1.0",
    example = "builtins.tryEval (throw \"not today\")" => "{ success = false; value = false; }",
    flags = [BARE],
    async fn throw<'f>(cx, s: any as "error message passed to builtin.throw") {
        let text = coerced(cx, s, COPY_TO_STORE).await?;
        Err(cx.error_bytes(ErrorKind::Throw, cx.bytes(&text)?))
    }
}

builtin! {
    /// Evaluates `e` down to its outermost constructor and says how it went: `{ success = true; value = e; }`, or `false` for both
    /// if a `throw` or a failed `assert` came up. Every other error passes through. What lies within `e` stays
    /// unevaluated and may still fail later; `deepSeq` brings it forward.
    name = "tryEval", since = "0.1.0",
    example = "builtins.tryEval (assert 1 == 1; \"held\")" => "{ success = true; value = \"held\"; }",
    async fn try_eval<'f>(cx, e: lazy) {
        let value = cx.try_force(e).await?;
        let success = Value::bool(value.is_some());
        Ok(cx.attrs(&[
            Attribute::new(cx.symbol("success"), success),
            Attribute::new(cx.symbol("value"), value.unwrap_or(Value::bool(false))),
        ]))
    }
}

builtin! {
    /// Evaluates `value` and returns it. An error that comes up meanwhile is reported with the line `context`, which is not
    /// looked at otherwise. Errors within the parts of `value`, evaluated later, are not concerned.
    name = "addErrorContext", since = "0.1.0",
    example = "builtins.addErrorContext \"while adding\" (1 + 1)" => "2",
    async fn add_error_context<'f>(cx, context: lazy, value: lazy) {
        cx.force_with_context(value, context).await
    }
}

builtin! {
    /// Evaluates `e1` down to its outermost constructor, then returns `e2`.
    name = "seq", since = "0.1.0",
    example = "[ (builtins.seq [ (throw \"unseen\") ] 1) (builtins.tryEval (builtins.seq (throw \"seen\") 1)).success ]"
        => "[ 1 false ]",
    leaf fn seq<'f>(_cx, e1: any, e2: lazy) {
        // The host has forced the one and will force the other, as it does with all that a builtin returns.
        let _ = e1;
        Ok(e2.clone())
    }
}

builtin! {
    /// Evaluates `e1` with everything inside of its lists and sets, then returns `e2`.
    name = "deepSeq", since = "0.1.0",
    example = "(builtins.tryEval (builtins.deepSeq { a = [ (throw \"seen\") ]; } 1)).success" => "false",
    async fn deep_seq<'f>(cx, e1: lazy, e2: lazy) {
        cx.force_deep(e1).await?;
        Ok(e2.clone())
    }
}
