//! `builtins.hashFile`. The host hashes, so that a large file need not be a string first.

use piton_plugin_api::abi::request::HASH_FILE;
use piton_plugin_api::builtin;

builtin! {
    /// The hash of the file at `path` in hexadecimal. `algorithm` is `md5`, `sha1`, `sha256`, `sha512` or, with the experimental
    /// feature `blake3-hashes`, `blake3`.
    name = "hashFile", since = "0.1.0", example = "builtins.hashFile \"md5\" \"/dev/null\""
        => "\"d41d8cd98f00b204e9800998ecf8427e\"",
    needs = [READ],
    async fn hash_file<'f>(cx, algorithm: string, path: lazy) {
        cx.ask(HASH_FILE, 0, [algorithm, path]).await
    }
}
