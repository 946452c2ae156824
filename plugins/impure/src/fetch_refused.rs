//! Fetchers of Nix that Piton does not have, and says so.

use piton_plugin_api::builtin;

builtin! {
    /// Fetches from a Mercurial repository in Nix. Here it is an error whatever `args` is.
    name = "fetchMercurial", since = "0.1.0", example = "builtins.isFunction fetchMercurial" => "true",
    flags = [BARE],
    leaf fn fetch_mercurial<'f>(cx, args: any) {
        let _ = args;
        Err(cx.fail("fetching from Mercurial repositories ('fetchMercurial') is not supported"))
    }
}

builtin! {
    /// Copies a closure from a binary cache in Nix, where it is there with the experimental feature `fetch-closure`. Here it is an
    /// error whatever `args` is: Piton has no binary caches.
    name = "fetchClosure", since = "0.1.0",
    example = "builtins.isFunction (builtins.fetchClosure or (_: null))" => "true",
    leaf fn fetch_closure<'f>(cx, args: any) {
        let _ = args;
        Err(cx.fail("copying from binary caches ('fetchClosure') is not supported"))
    }
}
