//! `builtins.trace`, `traceVerbose`, `warn` and `break`. Speaking needs no capability: it changes nothing that is evaluated.

use piton_plugin_api::abi::{emit, request};
use piton_plugin_api::{Cx, Type, Value, builtin};

builtin! {
    /// Shows `message` on the terminal and evaluates to `value`. A string is shown as it is, another value as Nix writes it, as
    /// far as it is evaluated.
    name = "trace", since = "0.1.0", example = "builtins.trace \"so far\" 2" => "2",
    async fn trace<'f>(cx, message: any, value: lazy) {
        let text = shown(cx, message);
        cx.ask(request::EMIT, emit::TRACE, [&text]).await?;
        cx.force(value).await
    }
}

builtin! {
    /// As [`trace`](#trace) under `--trace-verbose`. Without it `message` is not even evaluated.
    name = "traceVerbose", since = "0.1.0", example = "builtins.traceVerbose (throw \"not evaluated\") 2" => "2",
    async fn trace_verbose<'f>(cx, message: lazy, value: lazy) {
        // The host knows whether it shows this; a thunk is forced by it and only then.
        let text = shown(cx, &cx.peek(message));
        cx.ask(request::EMIT, emit::TRACE_VERBOSE, [&text]).await?;
        cx.force(value).await
    }
}

builtin! {
    /// Shows the string `message` as a warning and evaluates to `value`. Where `abort-on-warn` is set, evaluation ends there.
    name = "warn", since = "0.1.0", example = "builtins.warn \"deprecated\" 2" => "2",
    async fn warn<'f>(cx, message: string as "first argument; the message passed to builtins.warn", value: lazy) {
        cx.ask(request::EMIT, emit::WARNING, [message]).await?;
        cx.force(value).await
    }
}

builtin! {
    /// A place for a debugger to stop at. Evaluates to `value`.
    name = "break", since = "0.1.0", example = "break 2" => "2",
    flags = [BARE],
    async fn break_<'f>(cx, value: lazy) {
        cx.ask(request::EMIT, emit::BREAK, [&cx.string("")]).await?;
        cx.force(value).await
    }
}

/// The text that stands for `value`: itself if it is a string, or nothing yet.
fn shown<'f>(cx: Cx<'f>, value: &Value<'f>) -> Value<'f> {
    match value.kind() {
        Type::String | Type::Thunk => value.clone(),
        _ => cx.render(value, false),
    }
}
