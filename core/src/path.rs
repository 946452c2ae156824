//! Paths as Nix has them: absolute, bytes, canonical by text alone.

/// `path` without `.`, `..`, empty components and trailing slashes. `..` above the root stays at the root.
pub fn canonical(path: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                let end = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(end);
            }
            name => {
                out.push(b'/');
                out.extend_from_slice(name);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

/// Whether a canonical path with `text` behind it surely is one, too: mostly it is, and then nothing has to be taken apart.
pub fn stays_canonical(path: &[u8], text: &[u8]) -> bool {
    let begins_oddly = |pair: &[u8]| pair[0] == b'/' && matches!(pair[1], b'/' | b'.');
    path.len() > 1 && !text.ends_with(b"/") && !text.windows(2).any(begins_oddly)
}

/// The folder that contains `path`.
pub fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// What a canonical path is called within its folder; nothing for the root.
pub fn base_name(path: &[u8]) -> &[u8] {
    &path[path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1)..]
}

/// The name that a copy of a canonical path has in the store, unless another one is given.
pub fn store_name(path: &[u8]) -> &[u8] {
    match base_name(path) {
        b"" => b"source",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_paths() {
        for (path, expected) in [
            ("/a/./b//c/", "/a/b/c"),
            ("/a/../..", "/"),
            ("/../a", "/a"),
            ("/", "/"),
        ] {
            assert_eq!(canonical(path.as_bytes()), expected.as_bytes(), "{path}");
        }
        for (path, text) in [
            ("/a", "/b"),
            ("/a", "b/c"),
            ("/a", ""),
            ("/a", ".b"),
            ("/a.", "."),
            ("/a", "/b/"),
            ("/a", "/./b"),
            ("/a", "/../b"),
            ("/a", "//b"),
            ("/a", "/.b"),
            ("/", "b"),
            ("/", ".."),
            ("/", "/b"),
        ] {
            let whole = [path, text].concat();
            let same = canonical(whole.as_bytes()) == whole.as_bytes();
            let sure = stays_canonical(path.as_bytes(), text.as_bytes());
            assert!(same || !sure, "{path} and {text}");
            assert_eq!(sure, same && path != "/" && !text.contains("/."), "{whole}");
        }
        assert_eq!(parent(b"/a/b"), b"/a");
        assert_eq!(parent(b"/a"), b"/");
        assert_eq!(store_name(b"/a/b"), b"b");
        assert_eq!(store_name(b"/"), b"source");
    }
}
