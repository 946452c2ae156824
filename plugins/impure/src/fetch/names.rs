//! Names that git and flakes know: commits, branches, flakes.

/// Whether this is a commit hash: 40 digits.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a flake may be called that.
pub fn is_flake_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a branch or tag may be called that, by git's rules.
pub fn is_reference(name: &str) -> bool {
    let forbidden = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
    !name.is_empty()
        && name != "@"
        && !name.bytes().any(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.starts_with('-')
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for name in ["main", "HEAD", "refs/heads/a.b", "feature/x@y", "a-b_c+d"] {
            assert!(is_reference(name), "{name}");
        }
        for name in [
            "", "@", "a..b", "a b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a~1", "a@{1}",
            "-a", "a.",
        ] {
            assert!(!is_reference(name), "{name}");
        }
        assert!(is_commit("0123456789012345678901234567890123456789") && !is_commit("0123"));
        assert!(is_flake_id("nixpkgs-2") && !is_flake_id("2nix") && !is_flake_id(""));
    }
}
