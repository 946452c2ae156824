//! `builtins.pathExists`, `readFile`, `readDir` and `readFileType`.
//!
//! The host turns the argument into a path, whatever it is: a path, a string, or a set that stands for one.

use piton_plugin_api::abi::request;
use piton_plugin_api::{Type, builtin};

/// Flag of `PATH_EXISTS`: links are followed, and a directory must be there.
const DIRECTORY: u64 = 1;

builtin! {
    /// Whether something is at `path`. A link that leads nowhere is something; a string that ends in a slash (or `/.`) is true
    /// only of a directory, or a link to one.
    name = "pathExists", since = "0.1.0", example = "builtins.pathExists \"/\"" => "true",
    needs = [READ],
    async fn path_exists<'f>(cx, path: any) {
        if path.kind() != Type::String {
            // A set may stand for a string with a slash, which then means nothing.
            let path = cx.ask(request::COERCE_TO_PATH, 0, [path]).await?;
            return cx.ask(request::PATH_EXISTS, 0, [&path]).await;
        }
        let text = cx.bytes(path)?;
        let flags = if text.ends_with(b"/") || text.ends_with(b"/.") { DIRECTORY } else { 0 };
        cx.ask(request::PATH_EXISTS, flags, [path]).await
    }
}

builtin! {
    /// The contents of the file at `path`; they may be any bytes but zeros.
    name = "readFile", since = "0.1.0", example = "builtins.readFile \"/dev/null\"" => "\"\"",
    needs = [READ],
    async fn read_file<'f>(cx, path: lazy) {
        cx.ask(request::READ_FILE, 0, [path]).await
    }
}

builtin! {
    /// What is in the directory at `path`: a set from each name to `"regular"`, `"directory"`, `"symlink"` or `"unknown"`.
    name = "readDir", since = "0.1.0", example = "builtins.isAttrs (builtins.readDir \"/\")" => "true",
    needs = [READ],
    async fn read_dir<'f>(cx, path: lazy) {
        cx.ask(request::READ_DIR, 0, [path]).await
    }
}

builtin! {
    /// What is at `path`: `"regular"`, `"directory"`, `"symlink"` or `"unknown"`. A link at the end of the path is not followed.
    name = "readFileType", since = "0.1.0", example = "builtins.readFileType \"/\"" => "\"directory\"",
    needs = [READ],
    async fn read_file_type<'f>(cx, path: lazy) {
        cx.ask(request::FILE_TYPE, 0, [path]).await
    }
}
