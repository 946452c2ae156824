//! `builtins.hashString` and `builtins.convertHash`.

mod algorithm;
mod builtins;
mod encoding;

pub use builtins::{convert_hash, hash_string};

/// The SHA-256 of `bytes` in Nix's base 32.
pub fn nix32_sha256(bytes: &[u8]) -> String {
    let algorithm = algorithm::Algorithm::Sha256;
    encoding::Format::Nix32.encode(algorithm, &algorithm.hash(bytes))
}
