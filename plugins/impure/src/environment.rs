//! `builtins.getEnv`, `currentTime`, `currentSystem` and `nixPath`.

use crate::support::plain;
use piton_plugin_api::abi::request;
use piton_plugin_api::builtin;

builtin! {
    /// The environment variable `name`, or the empty string if there is none (always so in pure evaluation).
    name = "getEnv", since = "0.1.0", example = "builtins.getEnv \"A=B\"" => "\"\"",
    needs = [ENV],
    async fn get_env<'f>(cx, name: string) {
        plain(cx, name)?;
        cx.ask(request::GET_ENV, 0, [name]).await
    }
}

builtin! {
    /// The time when it was first looked at, in seconds since 1970. The same during the whole evaluation.
    name = "currentTime", since = "0.1.0", example = "builtins.typeOf builtins.currentTime" => "\"int\"",
    needs = [CLOCK],
    async fn current_time<'f>(cx) {
        cx.ask(request::CURRENT_TIME, 0, []).await
    }
}

builtin! {
    /// The system that derivations are made for if nothing else is said, as in `x86_64-linux`.
    name = "currentSystem", since = "0.1.0", example = "builtins.typeOf builtins.currentSystem" => "\"string\"",
    needs = [SYSTEM],
    async fn current_system<'f>(cx) {
        cx.ask(request::CURRENT_SYSTEM, 0, []).await
    }
}

builtin! {
    /// The search path, from `-I` and `NIX_PATH`: a list of `{ path, prefix }`, in which `<name>` is looked up.
    name = "nixPath", since = "0.1.0", example = "builtins.isList builtins.nixPath" => "true",
    needs = [ENV],
    async fn nix_path<'f>(cx) {
        cx.ask(request::SEARCH_PATH, 0, []).await
    }
}
