//! Hashes as text.

use super::algorithm::Algorithm;
use data_encoding::{BASE64, BitOrder, Encoding, HEXLOWER, HEXLOWER_PERMISSIVE, Specification};
use std::sync::LazyLock;

/// A notation of hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Hexadecimal.
    Base16,
    /// Nix's own base 32.
    Nix32,
    /// Base 64 with padding.
    Base64,
    /// The algorithm's name and base 64.
    Sri,
}

impl Format {
    /// The format of that name, or the message that there is none.
    pub fn parse(name: &[u8]) -> Result<Format, Vec<u8>> {
        Ok(match name {
            b"base16" => Format::Base16,
            b"nix32" | b"base32" => Format::Nix32,
            b"base64" => Format::Base64,
            b"sri" => Format::Sri,
            _ => {
                let mut message = b"unknown hash format '".to_vec();
                message.extend_from_slice(name);
                message.extend_from_slice(b"', expect 'base16', 'base32', 'base64', or 'sri'");
                return Err(message);
            }
        })
    }

    /// How messages call it.
    fn name(self) -> &'static str {
        match self {
            Format::Base16 => "base16",
            Format::Nix32 => "nix32",
            Format::Base64 => "Base64",
            Format::Sri => "SRI",
        }
    }

    /// The text of a hash of `algorithm`.
    pub fn encode(self, algorithm: Algorithm, hash: &[u8]) -> String {
        match self {
            Format::Base16 => HEXLOWER.encode(hash),
            Format::Nix32 => NIX32.encode(hash).chars().rev().collect(),
            Format::Base64 => BASE64.encode(hash),
            Format::Sri => format!("{}-{}", algorithm.name(), BASE64.encode(hash)),
        }
    }

    /// The hash behind a text. What does not decode is taken for empty, or (where bits are left over) for longer, which is how
    /// Nix comes to its messages about the length.
    fn decode(self, text: &[u8]) -> Vec<u8> {
        match self {
            Format::Base16 => HEXLOWER_PERMISSIVE.decode(text).unwrap_or_default(),
            Format::Nix32 => {
                let reversed: Vec<u8> = text.iter().rev().copied().collect();
                match NIX32.decode(&reversed) {
                    Ok(hash) => hash,
                    Err(error) if error.kind == data_encoding::DecodeKind::Trailing => {
                        vec![0; text.len() * 5 / 8 + 1]
                    }
                    Err(_) => Vec::new(),
                }
            }
            Format::Base64 | Format::Sri => decode_base64(text).unwrap_or_default(),
        }
    }
}

/// Nix's base 32: no `e`, `o`, `t`, `u`, and the text goes from the last bits to the first.
static NIX32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("0123456789abcdfghijklmnpqrsvwxyz");
    specification.bit_order = BitOrder::LeastSignificantFirst;
    specification
        .encoding()
        .unwrap_or_else(|error| unreachable!("the alphabet is valid: {error}"))
});

/// Base 64 as lenient as Nix's: newlines are skipped, the first `=` ends it whatever follows, left-over bits are dropped.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut hash = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            hash.push((bits >> count) as u8);
        }
    }
    Some(hash)
}

/// The algorithm that the text of a hash names.
pub fn named(text: &[u8]) -> Option<Algorithm> {
    let at = |separator: u8| text.iter().position(|byte| *byte == separator);
    let end = at(b':').or_else(|| at(b'-'))?;
    Algorithm::parse(&text[..end]).ok()
}

/// Reads a hash in any notation; `algorithm` is needed where the text does not name one.
pub fn parse(text: &[u8], algorithm: Option<Algorithm>) -> Result<(Algorithm, Vec<u8>), Vec<u8>> {
    let at = |separator: u8| text.iter().position(|byte| *byte == separator);
    let (named, format, rest) = match (at(b':'), at(b'-')) {
        (Some(colon), _) => (Some(&text[..colon]), None, &text[colon + 1..]),
        (None, Some(dash)) => (Some(&text[..dash]), Some(Format::Sri), &text[dash + 1..]),
        (None, None) => (None, None, text),
    };
    let named = named.map(Algorithm::parse).transpose()?;
    let algorithm = match (named, algorithm) {
        (Some(named), Some(asked)) if named != asked => {
            let type_ = format!("' should have type '{}'", asked.name());
            return Err([b"hash '", text, type_.as_bytes()].concat());
        }
        (None, None) => {
            let reason = b"' does not include a type, nor is the type otherwise known from context";
            return Err([b"hash '", text, reason.as_slice()].concat());
        }
        (named, asked) => named.or(asked).unwrap_or(Algorithm::Sha256),
    };
    let size = algorithm.size();
    let format = match format {
        Some(format) => format,
        None if rest.len() == size * 2 => Format::Base16,
        None if rest.len() == (size * 8).div_ceil(5) => Format::Nix32,
        None if rest.len() == size.div_ceil(3) * 4 => Format::Base64,
        None => {
            let reason = format!(
                "' has wrong length for hash algorithm '{}'",
                algorithm.name()
            );
            return Err([b"hash '", rest, reason.as_bytes()].concat());
        }
    };
    let hash = format.decode(rest);
    if hash.len() != size {
        let kind = format!("invalid {} hash '", format.name());
        let lengths = format!("', length {} != expected length {size}", hash.len());
        return Err([kind.as_bytes(), rest, lengths.as_bytes()].concat());
    }
    Ok((algorithm, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_SHA256: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn converted(text: &str, format: Format) -> Result<String, String> {
        parse(text.as_bytes(), None)
            .map(|(algorithm, hash)| format.encode(algorithm, &hash))
            .map_err(|message| String::from_utf8_lossy(&message).into_owned())
    }

    #[test]
    fn notations() {
        for (format, text) in [
            (
                Format::Base16,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                Format::Nix32,
                "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
            ),
            (
                Format::Base64,
                "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
        ] {
            assert_eq!(converted(EMPTY_SHA256, format).as_deref(), Ok(text));
            let prefixed = format!("sha256:{text}");
            assert_eq!(
                converted(&prefixed, Format::Sri).as_deref(),
                Ok(EMPTY_SHA256)
            );
        }
        let nix32 = converted("md5:0cc175b9c0f1b6a831c399e269772661", Format::Nix32);
        assert_eq!(nix32.as_deref(), Ok("314rvnkqlrqcqsidpiq2wpbh8c"));
    }

    #[test]
    fn lenient_base64() {
        let hex = Ok("098f6bcd4621d373cade4e832627b4f6".to_owned());
        for text in [
            "md5-CY9rzUYh03PK3k6DJie09g==",
            "md5-CY9rzUYh03PK3k6DJie09h==",
            "md5-CY9rzUYh03PK3k6DJi\ne09g==",
            "md5-CY9rzUYh03PK3k6DJie09g=?x",
        ] {
            assert_eq!(converted(text, Format::Base16), hex);
        }
    }

    #[test]
    fn refusals() {
        for (text, message) in [
            (
                "sha256:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
                "invalid nix32 hash 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz', \
                 length 33 != expected length 32",
            ),
            (
                "sha1:ZZZ175b9c0f1b6a831c399e269772661aabbccdd",
                "invalid base16 hash 'ZZZ175b9c0f1b6a831c399e269772661aabbccdd', \
                 length 0 != expected length 20",
            ),
            (
                "md5-0cc175b9c0f1b6a831c399e269772661",
                "invalid SRI hash '0cc175b9c0f1b6a831c399e269772661', \
                 length 24 != expected length 16",
            ),
            (
                "md5:a-b",
                "hash 'a-b' has wrong length for hash algorithm 'md5'",
            ),
            (
                "abc",
                "hash 'abc' does not include a type, nor is the type otherwise known from context",
            ),
        ] {
            assert_eq!(converted(text, Format::Sri), Err(message.to_owned()));
        }
    }
}
