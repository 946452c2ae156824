//! The builtins.

use super::algorithm::Algorithm;
use super::encoding::{self, Format};
use crate::support::{forced, plain, required};
use piton_plugin_api::abi::{emit, request};
use piton_plugin_api::{Cx, Error, ErrorKind, Result, Type, Value, builtin};

builtin! {
    /// The hash of the string `s` in hexadecimal. `algorithm` is `md5`, `sha1`, `sha256`, `sha512` or, with the experimental feature
    /// `blake3-hashes`, `blake3`.
    name = "hashString", since = "0.1.0", example = "builtins.hashString \"md5\" \"piton\""
        => "\"57a30502f5c02a31b78c357ca2563406\"",
    async fn hash_string<'f>(cx, algorithm: string, s: string) {
        let algorithm = Algorithm::parse(plain(cx, algorithm)?).map_err(|message| fail(cx, message))?;
        ensure_enabled(cx, Some(algorithm)).await?;
        let hash = algorithm.hash(cx.bytes(s)?);
        Ok(cx.string(Format::Base16.encode(algorithm, &hash)))
    }
}

builtin! {
    /// Writes a hash in another notation. `args` is a set of
    ///
    /// - `hash`: the hash, in any notation;
    /// - `hashAlgo`: its algorithm; needed unless `hash` names it, as in `sha256:...` or `sha256-...`;
    /// - `toHashFormat`: `base16`, `nix32` (`base32` is an old name for it), `base64` or `sri`.
    name = "convertHash", since = "0.1.0",
    example = "builtins.convertHash { hash = \"md5:0cc175b9c0f1b6a831c399e269772661\"; toHashFormat = \"nix32\"; }"
        => "\"314rvnkqlrqcqsidpiq2wpbh8c\"",
    async fn convert_hash<'f>(cx, args: attrs) {
        let hash = text(cx, required(cx, args, "hash")?.value).await?;
        let algorithm = match cx.attrs_get(args, cx.symbol("hashAlgo")) {
            Some(name) => {
                let name = text(cx, name).await?;
                Some(Algorithm::parse(plain(cx, &name)?).map_err(|message| fail(cx, message))?)
            }
            None => None,
        };
        ensure_enabled(cx, algorithm).await?;
        let format = text(cx, required(cx, args, "toHashFormat")?.value).await?;
        if cx.bytes(&format)? == b"base32" {
            let warning = cx.string("\"base32\" is a deprecated alias for hash format \"nix32\".");
            cx.ask(request::EMIT, emit::CAUTION, [&warning]).await?;
        }
        let format = Format::parse(plain(cx, &format)?).map_err(|message| fail(cx, message))?;
        ensure_enabled(cx, encoding::named(plain(cx, &hash)?)).await?;
        let (algorithm, hash) =
            encoding::parse(plain(cx, &hash)?, algorithm).map_err(|message| fail(cx, message))?;
        Ok(cx.string(format.encode(algorithm, &hash)))
    }
}

/// An error if the algorithm is one that has to be enabled, and is not.
async fn ensure_enabled(cx: Cx<'_>, algorithm: Option<Algorithm>) -> Result<()> {
    if algorithm != Some(Algorithm::Blake3) {
        return Ok(());
    }
    let enabled = cx
        .ask(request::SETTING, 0, [&cx.string("blake3-hashes")])
        .await?;
    if cx.bool(&enabled)? {
        return Ok(());
    }
    Err(cx.fail(
        "experimental Nix feature 'blake3-hashes' is disabled; \
         add '--extra-experimental-features blake3-hashes' to enable it",
    ))
}

/// A string without context.
async fn text<'f>(cx: Cx<'f>, value: Value<'f>) -> Result<Value<'f>> {
    let value = forced(cx, value, Type::String).await?;
    plain(cx, &value)?;
    Ok(value)
}

fn fail(cx: Cx<'_>, message: Vec<u8>) -> Error {
    cx.error_bytes(ErrorKind::Eval, &message)
}
