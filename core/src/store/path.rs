//! Store paths: what names are valid, and how the hash in a path comes about.
//!
//! ```text
//!  /nix/store/ <32 digits of base 32> - <name>
//!              the SHA-256 of "<type>:sha256:<hash>:/nix/store:<name>", folded to 20 bytes
//!  type        text[:reference]*   a text, such as a derivation; the hash is that of the text
//!              source              a tree; the hash is that of its archive
//!              output:<output>     what a derivation builds; the hash is the derivation's, modulo its inputs
//!              output:out          a fixed output; the hash is of its method, algorithm and expected hash
//! ```

use super::derivation::Method;
use super::hash::{Algorithm, Digest, Hash, base32, hex, is_base32_digit, sha256};

/// Where the store lies.
pub const STORE_DIR: &str = "/nix/store";

/// The longest name of a store path, behind hash and dash.
pub const MAX_NAME: usize = 211;

const HASH_DIGITS: usize = 32;
const FOLDED: usize = 20;

/// Which bytes names of store paths are made of.
const MAY_STAND: [bool; 256] = {
    let mut may = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        may[byte] = matches!(byte as u8, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.' | b'_' | b'?' | b'=');
        byte += 1;
    }
    may
};

/// Checks the name of a store path; the error is the text of a message.
pub fn check_name(name: &[u8]) -> Result<(), String> {
    let shown = || String::from_utf8_lossy(name).into_owned();
    if name.is_empty() {
        return Err("name must not be empty".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!(
            "name '{}' must be no longer than {MAX_NAME} characters",
            shown()
        ));
    }
    for dots in ["..", "."] {
        if let Some(rest) = name.strip_prefix(dots.as_bytes()) {
            if rest.is_empty() {
                return Err(format!("name '{}' is not valid", shown()));
            }
            if rest[0] == b'-' {
                return Err(format!(
                    "name '{}' is not valid: first dash-separated component must not be '{dots}'",
                    shown()
                ));
            }
        }
    }
    match name.iter().find(|byte| !MAY_STAND[usize::from(**byte)]) {
        None => Ok(()),
        Some(byte) => Err(format!(
            "name '{}' contains illegal character '{}'",
            shown(),
            String::from_utf8_lossy(&[*byte])
        )),
    }
}

/// Whether this is the path of something in the store: not the store itself, and nothing below such a path.
pub fn is_store_path(path: &[u8]) -> bool {
    split_store_path(path).is_some_and(|(_, below)| below.is_empty())
}

/// A path in the store as the store path that it begins with, and what follows (nothing, or a slash and more).
pub fn split_store_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = path
        .strip_prefix(STORE_DIR.as_bytes())?
        .strip_prefix(b"/")?;
    let end = rest
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(rest.len());
    let (hash, name) = rest[..end].split_at_checked(HASH_DIGITS)?;
    let valid = hash.iter().all(|byte| is_base32_digit(*byte))
        && name
            .strip_prefix(b"-")
            .is_some_and(|name| check_name(name).is_ok());
    valid.then(|| path.split_at(path.len() - (rest.len() - end)))
}

/// The name in a store path, behind hash and dash.
pub fn store_name(path: &[u8]) -> &[u8] {
    path.get(STORE_DIR.len() + 1 + HASH_DIGITS + 1..)
        .unwrap_or_default()
}

/// Whether a path is that of a derivation's file.
pub fn is_derivation(path: &[u8]) -> bool {
    path.ends_with(b".drv")
}

/// The name of the store path of an output: outputs other than `out` are appended.
pub fn output_name(name: &[u8], output: &[u8]) -> Vec<u8> {
    if output == b"out" {
        name.to_vec()
    } else {
        [name, output].join(&b'-')
    }
}

/// The path of a text with references, which must be sorted.
pub fn text_path<'a>(
    name: &[u8],
    hash: &Digest,
    references: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, String> {
    make(&with_references(b"text", references), hash, name)
}

/// The path of a tree with references, which must be sorted. The hash is that of its archive.
pub fn source_path<'a>(
    name: &[u8],
    hash: &Digest,
    references: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, String> {
    make(&with_references(b"source", references), hash, name)
}

fn with_references<'a>(kind: &[u8], references: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let references = references.into_iter();
    // Hash and name of most store paths fit into this.
    let mut text = Vec::with_capacity(kind.len() + references.size_hint().0 * 96);
    text.extend_from_slice(kind);
    for reference in references {
        text.push(b':');
        text.extend_from_slice(reference);
    }
    text
}

/// The path of an output of a derivation with this hash.
pub fn output_path(name: &[u8], output: &[u8], hash: &Digest) -> Result<Vec<u8>, String> {
    make(
        &[b"output:", output].concat(),
        hash,
        &output_name(name, output),
    )
}

/// The path of what has a known hash.
pub fn fixed_output_path(name: &[u8], method: Method, hash: &Hash) -> Result<Vec<u8>, String> {
    match (method, hash.algorithm, <Digest>::try_from(&hash.bytes[..])) {
        (Method::Recursive, Algorithm::Sha256, Ok(digest)) => source_path(name, &digest, []),
        (Method::Text, Algorithm::Sha256, Ok(digest)) => text_path(name, &digest, []),
        _ => {
            let algorithm = hash.algorithm.name().as_bytes();
            let inner = sha256(&[
                b"fixed:out:",
                method.prefix().as_bytes(),
                algorithm,
                b":",
                &hash.hex(),
                b":",
            ]);
            make(b"output:out", &inner, name)
        }
    }
}

fn make(kind: &[u8], hash: &Digest, name: &[u8]) -> Result<Vec<u8>, String> {
    let digest = sha256(&[
        kind,
        b":sha256:",
        &hex(hash),
        b":",
        STORE_DIR.as_bytes(),
        b":",
        name,
    ]);
    let mut folded = [0; FOLDED];
    for (index, byte) in digest.iter().enumerate() {
        folded[index % FOLDED] ^= byte;
    }
    let path = [STORE_DIR.as_bytes(), b"/", &base32(&folded), b"-", name].concat();
    check_name(name).map_err(|reason| {
        let base = String::from_utf8_lossy(&path[STORE_DIR.len() + 1..]);
        format!("path '{base}' is not a valid store path: {reason}")
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, reason) in [
            ("a-1.0_b+c?d=e", None),
            (".a", None),
            ("..a", None),
            ("...", None),
            ("", Some("name must not be empty")),
            (".", Some("name '.' is not valid")),
            ("..", Some("name '..' is not valid")),
            (
                ".-a",
                Some("name '.-a' is not valid: first dash-separated component must not be '.'"),
            ),
            (
                "..-a",
                Some("name '..-a' is not valid: first dash-separated component must not be '..'"),
            ),
            ("x y", Some("name 'x y' contains illegal character ' '")),
        ] {
            assert_eq!(
                check_name(name.as_bytes()).err().as_deref(),
                reason,
                "{name}"
            );
        }
        assert!(
            check_name(&[b'a'; MAX_NAME]).is_ok() && check_name(&[b'a'; MAX_NAME + 1]).is_err()
        );
    }

    #[test]
    fn store_paths_are_split() {
        let root = "/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a";
        assert_eq!(
            split_store_path(root.as_bytes()),
            Some((root.as_bytes(), &b""[..]))
        );
        let below = format!("{root}/b/c");
        assert_eq!(
            split_store_path(below.as_bytes()),
            Some((root.as_bytes(), &b"/b/c"[..]))
        );
        for path in [
            "/nix/store",
            "/nix/store/a",
            "/nix/stores/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a",
            "/a",
        ] {
            assert_eq!(split_store_path(path.as_bytes()), None, "{path}");
        }
    }

    /// The expected paths are those of `builtins.toFile` and of a fixed-output derivation in Nix.
    #[test]
    fn paths_are_those_of_nix() {
        let text = text_path(b"a", &sha256(&[b"x"]), []);
        assert_eq!(
            text.as_deref(),
            Ok(&b"/nix/store/12wigjpizrn8axaqxj288q1b751qmwya-a"[..])
        );
        let hash = Hash::of_sha256(sha256(&[b"x"]));
        let flat = fixed_output_path(b"a", Method::Flat, &hash);
        assert_eq!(
            flat.as_deref(),
            Ok(&b"/nix/store/kr3vy2qr7m4n22wc5q773cryxqz3m24w-a"[..])
        );
        let recursive = fixed_output_path(b"a", Method::Recursive, &hash);
        assert_eq!(
            recursive.as_deref(),
            Ok(&b"/nix/store/0035kjxklls0vy0d1i1vpggmc5x8cznc-a"[..])
        );
    }
}
