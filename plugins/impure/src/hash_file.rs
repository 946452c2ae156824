//! `builtins.hashFile`.

use crate::support::{failure, plain};
use data_encoding::HEXLOWER;
use piton_plugin_api::abi::request;
use piton_plugin_api::{Cx, ErrorKind, Result, Value, builtin};
use sha2::Digest;

/// Flag of `READ_FILE`: the bytes as they are, zeros too. The string is hashed and seen by nobody.
const ANY_BYTES: u64 = 1;

builtin! {
    /// The hash of the file at `path` in hexadecimal. `algorithm` is `md5`, `sha1`, `sha256` or `sha512`.
    name = "hashFile", since = "0.1.0", example = "builtins.hashFile \"md5\" \"/dev/null\""
        => "\"d41d8cd98f00b204e9800998ecf8427e\"",
    needs = [READ],
    async fn hash_file<'f>(cx, algorithm: string, path: lazy) {
        let hash = hasher(cx, algorithm)?;
        let contents = cx.ask(request::READ_FILE, ANY_BYTES, [path]).await?;
        Ok(cx.string(HEXLOWER.encode(&hash(cx.bytes(&contents)?))))
    }
}

type Hasher = fn(&[u8]) -> Vec<u8>;

/// The algorithm of that name.
fn hasher<'f>(cx: Cx<'f>, name: &Value<'f>) -> Result<Hasher> {
    Ok(match plain(cx, name)? {
        b"md5" => |bytes| md5::Md5::digest(bytes).to_vec(),
        b"sha1" => |bytes| sha1::Sha1::digest(bytes).to_vec(),
        b"sha256" => |bytes| sha2::Sha256::digest(bytes).to_vec(),
        b"sha512" => |bytes| sha2::Sha512::digest(bytes).to_vec(),
        b"blake3" => {
            return Err(cx.fail(
                "experimental Nix feature 'blake3-hashes' is disabled; \
                 add '--extra-experimental-features blake3-hashes' to enable it",
            ));
        }
        name => {
            let expected = b"', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'";
            let parts: [&[u8]; 3] = [b"unknown hash algorithm '", name, expected];
            return Err(failure(cx, ErrorKind::Eval, &parts));
        }
    })
}
