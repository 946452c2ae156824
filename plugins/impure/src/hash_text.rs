//! SHA-256 hashes as text.

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};

/// Nix's digits: letters and figures without `e`, `o`, `t`, `u`.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// In Nix's base 32: groups of five bits from the last byte to the first.
pub fn nix32(bytes: &[u8]) -> String {
    let len = (bytes.len() * 8).div_ceil(5);
    (0..len)
        .rev()
        .map(|digit| {
            let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
            let high = bytes.get(byte + 1).map_or(0, |next| u16::from(*next) << 8);
            let pair = high | u16::from(bytes[byte]);
            char::from(DIGITS[usize::from(pair >> shift & 31)])
        })
        .collect()
}

/// Reads a hash in any notation.
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text
        .strip_prefix("sha256:")
        .or_else(|| text.strip_prefix("sha256-"))
        .unwrap_or(text);
    let bytes = match digits.len() {
        64 => HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?,
        52 => from_nix32(digits)?,
        _ => BASE64
            .decode(digits.as_bytes())
            .or_else(|_| BASE64_NOPAD.decode(digits.as_bytes()))
            .ok()?,
    };
    bytes.try_into().ok()
}

fn from_nix32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0u8; 33];
    for (index, byte) in text.bytes().rev().enumerate() {
        let digit = DIGITS.iter().position(|digit| *digit == byte)? as u16;
        let (at, shift) = (index * 5 / 8, index * 5 % 8);
        let wide = digit << shift;
        bytes[at] |= wide as u8;
        *bytes.get_mut(at + 1)? |= (wide >> 8) as u8;
    }
    (bytes.pop() == Some(0)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_agree() {
        let text = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s";
        let digest = parse_sha256(text).expect("a hash");
        assert_eq!(nix32(&digest), text);
        for other in [
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ] {
            assert_eq!(parse_sha256(other), Some(digest), "{other}");
        }
        assert_eq!(parse_sha256("abc"), None);
    }
}
