//! Paths, as text: nothing here looks at a file, save `import`, which the host does.

use crate::support::coerced;
use piton_plugin_api::abi::request::IMPORT;
use piton_plugin_api::{ErrorKind, Type, builtin};

builtin! {
    /// What follows the last slash of a path or of a string, from which one slash at the end is taken off before.
    name = "baseNameOf", since = "0.1.0",
    example = "map baseNameOf [ /etc/passwd \"etc/passwd/\" \"etc\" ]" => "[ \"passwd\" \"passwd\" \"etc\" ]",
    flags = [BARE],
    async fn base_name_of<'f>(cx, x: any) {
        let text = coerced(cx, x, 0).await?;
        Ok(cx.string_with(base_name(cx.bytes(&text)?), cx.context(&text)))
    }
}

builtin! {
    /// What stands before the last slash: of a path a path, of a string a string, which is `"."` if there is no slash in it.
    name = "dirOf", since = "0.1.0", example = "map dirOf [ /etc/passwd \"etc/passwd\" \"etc\" ]" => "[ /etc \"etc\" \".\" ]",
    flags = [BARE],
    async fn dir_of<'f>(cx, s: any as "first argument passed to 'builtins.dirOf'") {
        if s.kind() == Type::Path {
            return Ok(cx.path(directory(cx.bytes(s)?)));
        }
        let text = coerced(cx, s, 0).await?;
        Ok(cx.string_with(directory(cx.bytes(&text)?), cx.context(&text)))
    }
}

builtin! {
    /// The text of an absolute path, given as a string or as a path, without `.`, `..` and needless slashes. Where a path is
    /// wanted, `/. + s` makes one of a string.
    name = "toPath", since = "0.1.0", example = "builtins.toPath \"/usr//lib/../bin/\"" => "\"/usr/bin\"",
    async fn to_path<'f>(cx, s: any) {
        let text = coerced(cx, s, 0).await?;
        let bytes = cx.bytes(&text)?;
        if bytes.first() != Some(&b'/') {
            let message = [b"string '", bytes, b"' doesn't represent an absolute path"].concat();
            return Err(cx.error_bytes(ErrorKind::Eval, &message));
        }
        Ok(cx.string_with(canonical(bytes), cx.context(&text)))
    }
}

builtin! {
    /// What the file at `path` evaluates to; of a directory, the file `default.nix` in it. Each file is evaluated once. It
    /// sees no variables but the builtins, so that what it needs is best passed to a function that it returns.
    name = "import", since = "0.1.0", example = "builtins.typeOf import" => "\"lambda\"",
    flags = [BARE],
    async fn import<'f>(cx, path: lazy) {
        cx.ask(IMPORT, 0, [path]).await
    }
}

builtin! {
    /// What the file at `path` evaluates to if the attributes of `scope` are variables in it, in front of the builtins. Unlike
    /// with `import`, the file is evaluated with each call.
    name = "scopedImport", since = "0.1.0", example = "builtins.typeOf (scopedImport { })" => "\"lambda\"",
    flags = [BARE],
    async fn scoped_import<'f>(cx, scope: attrs, path: lazy) {
        cx.ask(IMPORT, 0, [path, scope]).await
    }
}

/// What follows the last slash, once one slash at the end is off.
fn base_name(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// What stands before the last slash.
fn directory(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        None => b".",
        Some(0) => b"/",
        Some(end) => &path[..end],
    }
}

/// An absolute path without `.`, `..`, doubled slashes and slashes at the end.
fn canonical(path: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(path.len());
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                let parent = result.iter().rposition(|&byte| byte == b'/');
                result.truncate(parent.unwrap_or(0));
            }
            name => {
                result.push(b'/');
                result.extend_from_slice(name);
            }
        }
    }
    if result.is_empty() {
        result.push(b'/');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{base_name, canonical, directory};

    #[test]
    fn base_names() {
        for (path, name) in [
            ("/a/b", "b"),
            ("a/b/", "b"),
            ("a/b//", ""),
            ("a", "a"),
            ("a/", "a"),
            ("/", ""),
            ("//", ""),
            ("", ""),
        ] {
            assert_eq!(base_name(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }

    #[test]
    fn directories() {
        for (path, name) in [
            ("/a/b", "/a"),
            ("/a", "/"),
            ("/", "/"),
            ("//a", "/"),
            ("a/b/", "a/b"),
            ("a", "."),
            ("", "."),
        ] {
            assert_eq!(directory(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }

    #[test]
    fn canonical_paths() {
        for (path, name) in [
            ("/", "/"),
            ("/a/../b//c/", "/b/c"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/./b", "/a/b"),
            ("/a/..", "/"),
            ("/...", "/..."),
        ] {
            assert_eq!(canonical(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }
}
