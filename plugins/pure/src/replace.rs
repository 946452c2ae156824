//! Searching for several strings at once, for `replaceStrings`.

/// "No pattern" in the chains of [`Patterns`].
const NONE: u32 = u32::MAX;

/// Strings to search for, as they are gathered: one after the other, with where each ends.
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// None yet, with room for `count`.
    pub fn with_capacity(count: usize) -> Self {
        Texts {
            bytes: Vec::with_capacity(8 * count),
            ends: Vec::with_capacity(count),
        }
    }

    /// Adds one.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }
}

/// The strings that are searched for. Those that begin with the same byte form a chain, in their order; a byte with which none
/// begins costs one look at a set of bytes.
pub struct Patterns {
    texts: Texts,
    /// The bytes that patterns begin with.
    begins: [u64; 4],
    /// The first pattern that begins with each of them.
    first: Vec<u32>,
    /// The one after each pattern in its chain.
    next: Vec<u32>,
    /// The first empty pattern. It matches everywhere, so that no later one is ever looked at.
    empty: Option<usize>,
}

impl Patterns {
    /// Patterns of which the first that matches counts.
    pub fn new(texts: Texts) -> Self {
        let count = texts.ends.len();
        let empty = (0..count).find(|index| texts.get(*index).is_empty());
        let looked_at = empty.unwrap_or(count);
        let mut patterns = Patterns {
            texts,
            begins: [0; 4],
            first: Vec::new(),
            next: vec![NONE; looked_at],
            empty,
        };
        for index in 0..looked_at {
            let byte = patterns.texts.get(index)[0];
            patterns.begins[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        let distinct = patterns.begins.iter().map(|bits| bits.count_ones());
        patterns.first = vec![NONE; distinct.sum::<u32>() as usize];
        for index in (0..looked_at).rev() {
            if let Some(place) = patterns.place(patterns.texts.get(index)[0]) {
                patterns.next[index] = std::mem::replace(&mut patterns.first[place], index as u32);
            }
        }
        patterns
    }

    /// Where in `first` the chain of `byte` is: how many lower bytes begin a pattern.
    #[inline]
    fn place(&self, byte: u8) -> Option<usize> {
        let word = usize::from(byte >> 6);
        let bit = 1_u64 << (byte & 63);
        if self.begins[word] & bit == 0 {
            return None;
        }
        let before = self.begins[..word].iter().map(|bits| bits.count_ones());
        Some((before.sum::<u32>() + (self.begins[word] & (bit - 1)).count_ones()) as usize)
    }

    /// The length of a pattern.
    pub fn len_of(&self, index: usize) -> usize {
        self.texts.get(index).len()
    }

    /// The first place from `start` on where a pattern matches, and the first pattern that does.
    pub fn find(&self, text: &[u8], start: usize) -> Option<(usize, usize)> {
        for (place, &byte) in text.iter().enumerate().skip(start) {
            let mut next = self.place(byte).map_or(NONE, |place| self.first[place]);
            while next != NONE {
                let index = next as usize;
                if text[place..].starts_with(self.texts.get(index)) {
                    return Some((place, index));
                }
                next = self.next[index];
            }
            if let Some(index) = self.empty {
                return Some((place, index));
            }
        }
        let at_end = self.empty.filter(|_| start <= text.len());
        at_end.map(|index| (text.len(), index))
    }
}

#[cfg(test)]
mod tests {
    use super::{Patterns, Texts};

    fn patterns(texts: &[&str]) -> Patterns {
        let mut gathered = Texts::with_capacity(texts.len());
        for text in texts {
            gathered.push(text.as_bytes());
        }
        Patterns::new(gathered)
    }

    #[test]
    fn the_first_pattern_at_the_first_place() {
        let patterns = patterns(&["bc", "b", "ab", "abc"]);
        assert_eq!(patterns.find(b"xxabc", 0), Some((2, 2)));
        assert_eq!(patterns.find(b"xxabc", 3), Some((3, 0)));
        assert_eq!(patterns.find(b"b", 0), Some((0, 1)));
        assert_eq!(patterns.find(b"xyz", 0), None);
        assert_eq!(patterns.find(b"", 0), None);
    }

    #[test]
    fn the_empty_pattern_matches_everywhere() {
        let patterns = patterns(&["a", "", "b", ""]);
        assert_eq!(patterns.find(b"ba", 0), Some((0, 1)));
        assert_eq!(patterns.find(b"ba", 1), Some((1, 0)));
        assert_eq!(patterns.find(b"ba", 2), Some((2, 1)));
        assert_eq!(patterns.find(b"ba", 3), None);
    }
}
