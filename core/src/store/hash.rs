//! Hashes: the algorithms that fixed outputs may name, the notations that they are written in, and SHA-256, on which all store
//! paths rest.

use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub type Digest = [u8; 32];

/// A SHA-256 in hexadecimal, which is how it enters further hashes.
pub type HexDigest = [u8; 64];

/// The SHA-256 of the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Nix's digits: letters and figures without `e`, `o`, `t`, `u`.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// In hexadecimal.
pub fn hex(digest: &Digest) -> HexDigest {
    let mut out = [0; 64];
    for (pair, byte) in out.as_chunks_mut().0.iter_mut().zip(digest) {
        *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    }
    out
}

/// In Nix's base 32: groups of five bits from the last byte to the first.
pub fn base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; (bytes.len() * 8).div_ceil(5)];
    // Five bytes are eight digits.
    for (group, digits) in bytes.chunks(5).zip(out.rchunks_mut(8)) {
        let mut word = [0; 8];
        word[..group.len()].copy_from_slice(group);
        let mut bits = u64::from_le_bytes(word);
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(bits & 31) as usize];
            bits >>= 5;
        }
    }
    out
}

/// Whether `byte` is a digit of Nix's base 32.
pub(super) fn is_base32_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'e' | b'o' | b't' | b'u')
}

/// Hash algorithms that a derivation may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the variants are the names of the algorithms
pub enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Blake3,
}

impl Algorithm {
    /// By its name.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"md5" => Algorithm::Md5,
            b"sha1" => Algorithm::Sha1,
            b"sha256" => Algorithm::Sha256,
            b"sha512" => Algorithm::Sha512,
            b"blake3" => Algorithm::Blake3,
            _ => return None,
        })
    }

    /// By its name; the error is the text of a message.
    pub fn known(name: &[u8]) -> Result<Self, String> {
        Algorithm::parse(name).ok_or_else(|| {
            format!(
                "unknown hash algorithm '{}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
                String::from_utf8_lossy(name)
            )
        })
    }

    /// The one that the text of a hash names.
    pub fn named_in(text: &[u8]) -> Option<Self> {
        let (name, _) = split(text, b':').or_else(|| split(text, b'-'))?;
        Algorithm::parse(name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
            Algorithm::Blake3 => "blake3",
        }
    }

    /// Bytes of a hash.
    pub fn size(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 | Algorithm::Blake3 => 32,
            Algorithm::Sha512 => 64,
        }
    }
}

/// A hash of some algorithm, which somebody has written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hash {
    /// How it was made.
    pub algorithm: Algorithm,
    /// The hash.
    pub bytes: Vec<u8>,
}

impl Hash {
    /// A SHA-256.
    pub fn of_sha256(digest: Digest) -> Self {
        Hash {
            algorithm: Algorithm::Sha256,
            bytes: digest.to_vec(),
        }
    }

    /// The hash that stands for one that is not known yet.
    pub fn zero(algorithm: Algorithm) -> Self {
        Hash {
            algorithm,
            bytes: vec![0; algorithm.size()],
        }
    }

    /// In hexadecimal.
    pub fn hex(&self) -> Vec<u8> {
        self.bytes
            .iter()
            .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
            .collect()
    }

    /// In the notation of the web: algorithm, dash, base 64.
    pub fn sri(&self) -> String {
        let mut out = format!("{}-", self.algorithm.name());
        for group in self.bytes.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                out.push(if digit <= group.len() {
                    char::from(BASE64[(bits >> (18 - 6 * digit) & 63) as usize])
                } else {
                    '='
                });
            }
        }
        out
    }

    /// Reads `algorithm:hash`, `algorithm-base64` or, of an algorithm that is known otherwise, the hash alone in any notation:
    /// its length tells which. The error is the text of a message.
    pub fn parse(text: &[u8], known: Option<Algorithm>) -> Result<Self, String> {
        let shown = || String::from_utf8_lossy(text).into_owned();
        let (prefix, rest, is_sri) = match split(text, b':') {
            Some((prefix, rest)) => (Some(prefix), rest, false),
            None => match split(text, b'-') {
                Some((prefix, rest)) => (Some(prefix), rest, true),
                None => (None, text, false),
            },
        };
        let named = match prefix {
            None => None,
            Some(name) => Some(Algorithm::known(name)?),
        };
        let algorithm = match (named, known) {
            (None, None) => {
                return Err(format!(
                    "hash '{}' does not include a type, nor is the type otherwise known from context",
                    shown()
                ));
            }
            (Some(named), Some(known)) if named != known => {
                return Err(format!(
                    "hash '{}' should have type '{}'",
                    shown(),
                    known.name()
                ));
            }
            (named, known) => named.or(known).unwrap_or(Algorithm::Sha256),
        };
        let size = algorithm.size();
        let rest_shown = || String::from_utf8_lossy(rest).into_owned();
        let (bytes, notation) = if is_sri {
            (decode_base64(rest), "SRI")
        } else if rest.len() == size * 2 {
            (decode_hex(rest), "base16")
        } else if rest.len() == (size * 8).div_ceil(5) {
            (decode_base32(rest, size), "nix32")
        } else if rest.len() == size.div_ceil(3) * 4 {
            (decode_base64(rest), "Base64")
        } else {
            return Err(format!(
                "hash '{}' has wrong length for hash algorithm '{}'",
                rest_shown(),
                algorithm.name()
            ));
        };
        let bytes = bytes.unwrap_or_default();
        if bytes.len() != size {
            return Err(format!(
                "invalid {notation} hash '{}', length {} != expected length {size}",
                rest_shown(),
                bytes.len()
            ));
        }
        Ok(Hash { algorithm, bytes })
    }
}

fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.chunks(2)
        .map(|pair| Some((digit(&pair[0])? << 4 | digit(pair.get(1)?)?) as u8))
        .collect()
}

fn decode_base32(text: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0u8; size + 1];
    for (index, byte) in text.iter().rev().enumerate() {
        let digit = DIGITS.iter().position(|digit| digit == byte)? as u16;
        let (at, shift) = (index * 5 / 8, index * 5 % 8);
        let wide = digit << shift;
        bytes[at] |= wide as u8;
        *bytes.get_mut(at + 1)? |= (wide >> 8) as u8;
    }
    // What does not fit into the size is a hash that nobody can have made.
    (bytes.pop() == Some(0)).then_some(bytes)
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    // As lenient as Nix: lines may end anywhere, and nobody looks behind the first `=`.
    let digits = text
        .iter()
        .take_while(|byte| **byte != b'=')
        .filter(|byte| **byte != b'\n');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for digit in digits {
        bits = bits << 6 | BASE64.iter().position(|known| known == digit)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_agree() {
        let digest = sha256(&[b"abc"]);
        let hash = Hash::of_sha256(digest);
        let sri = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(hash.sri(), sri);
        assert_eq!(
            base32(&digest),
            b"1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"
        );
        for text in [
            sri,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ] {
            assert_eq!(
                Hash::parse(text.as_bytes(), Some(Algorithm::Sha256)).as_ref(),
                Ok(&hash),
                "{text}"
            );
        }
        assert_eq!(hex(&digest)[..], hash.hex()[..]);
    }

    #[test]
    fn digits_are_told_apart() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_base32_digit(byte), DIGITS.contains(&byte), "{byte}");
        }
    }

    #[test]
    fn what_is_no_hash() {
        for (text, known, message) in [
            (
                "abc",
                None,
                "hash 'abc' does not include a type, nor is the type otherwise known from context",
            ),
            (
                "abc",
                Some(Algorithm::Sha256),
                "hash 'abc' has wrong length for hash algorithm 'sha256'",
            ),
            (
                "sha1-abc=",
                Some(Algorithm::Sha256),
                "hash 'sha1-abc=' should have type 'sha256'",
            ),
            (
                "md6:abc",
                None,
                "unknown hash algorithm 'md6', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
            ),
        ] {
            assert_eq!(
                Hash::parse(text.as_bytes(), known),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }
}
