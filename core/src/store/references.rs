//! [`ReferenceScanner`]: which store paths some bytes refer to. A reference is the hash of a store path, wherever it stands.

use super::hash::is_base32_digit;
use super::nar::Sink;
use rustc_hash::FxHashSet;

/// Digits of the hash in a store path.
pub const HASH_DIGITS: usize = 32;

/// Looks for known hashes in all that is written to it, in pieces of any length.
#[derive(Default)]
pub struct ReferenceScanner {
    candidates: FxHashSet<[u8; HASH_DIGITS]>,
    found: FxHashSet<[u8; HASH_DIGITS]>,
    /// The last bytes of what was written, too few for a hash.
    tail: Vec<u8>,
}

impl ReferenceScanner {
    /// Looks for these hashes.
    pub fn new(candidates: impl IntoIterator<Item = [u8; HASH_DIGITS]>) -> Self {
        ReferenceScanner {
            candidates: candidates.into_iter().collect(),
            ..ReferenceScanner::default()
        }
    }

    /// Those that occurred, sorted.
    pub fn found(self) -> Vec<[u8; HASH_DIGITS]> {
        let mut found: Vec<_> = self.found.into_iter().collect();
        found.sort_unstable();
        found
    }

    fn scan(&mut self, bytes: &[u8]) {
        let mut start = 0;
        while let Some(window) = bytes.get(start..start + HASH_DIGITS) {
            // A byte that is no digit rules out every window that it lies in.
            match window.iter().rposition(|byte| !is_base32_digit(*byte)) {
                Some(at) => start += at + 1,
                None => {
                    if let Ok(hash) = <[u8; HASH_DIGITS]>::try_from(window)
                        && self.candidates.contains(&hash)
                    {
                        self.found.insert(hash);
                    }
                    start += 1;
                }
            }
        }
    }
}

impl Sink for ReferenceScanner {
    fn write(&mut self, bytes: &[u8]) {
        if !self.tail.is_empty() {
            let mut border = std::mem::take(&mut self.tail);
            border.extend_from_slice(&bytes[..bytes.len().min(HASH_DIGITS - 1)]);
            self.scan(&border);
            self.tail = border;
        }
        if bytes.len() >= HASH_DIGITS - 1 {
            self.scan(bytes);
            self.tail.clear();
            self.tail
                .extend_from_slice(&bytes[bytes.len() - (HASH_DIGITS - 1)..]);
        } else if self.tail.is_empty() {
            self.tail.extend_from_slice(bytes);
        } else {
            let excess = self.tail.len().saturating_sub(HASH_DIGITS - 1);
            self.tail.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_across_pieces() {
        let known = *b"arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l";
        let other = *b"5akl8zsmda0yrr63v4khwgskih2g2hsh";
        let text = [&b"x /nix/store/z"[..], &known, b"-a"].concat();
        for size in 1..text.len() {
            let mut scanner = ReferenceScanner::new([known, other]);
            for piece in text.chunks(size) {
                scanner.write(piece);
            }
            assert_eq!(scanner.found(), [known], "pieces of {size}");
        }
        let mut scanner = ReferenceScanner::new([known]);
        scanner.write(&text[..text.len() - 3]);
        scanner.write(b"!");
        assert_eq!(scanner.found(), <[[u8; HASH_DIGITS]; 0]>::default());
    }
}
