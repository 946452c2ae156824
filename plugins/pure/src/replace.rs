//! Searching for several strings at once, for `replaceStrings`.

/// "No pattern" in the chains of [`Patterns`].
const NONE: usize = usize::MAX;

/// The strings that are searched for. Those that begin with the same byte form a chain, in their order, so that a byte with
/// which none begins costs one look at a table.
pub struct Patterns {
    texts: Vec<Box<[u8]>>,
    /// The first pattern that begins with each byte: 256 of them.
    first: Vec<usize>,
    /// The one after each pattern in its chain.
    next: Vec<usize>,
    /// The first empty pattern. It matches everywhere, so that no later one is ever looked at.
    empty: Option<usize>,
}

impl Patterns {
    /// Patterns of which the first that matches counts.
    pub fn new(texts: Vec<Box<[u8]>>) -> Self {
        let empty = texts.iter().position(|text| text.is_empty());
        let mut first = vec![NONE; 256];
        let mut next = vec![NONE; texts.len()];
        for (index, text) in texts
            .iter()
            .enumerate()
            .take(empty.unwrap_or(texts.len()))
            .rev()
        {
            next[index] = std::mem::replace(&mut first[usize::from(text[0])], index);
        }
        Patterns {
            texts,
            first,
            next,
            empty,
        }
    }

    /// The length of a pattern.
    pub fn len_of(&self, index: usize) -> usize {
        self.texts[index].len()
    }

    /// The first place from `start` on where a pattern matches, and the first pattern that does.
    pub fn find(&self, text: &[u8], start: usize) -> Option<(usize, usize)> {
        for (place, &byte) in text.iter().enumerate().skip(start) {
            let mut index = self.first[usize::from(byte)];
            while index != NONE {
                if text[place..].starts_with(&self.texts[index]) {
                    return Some((place, index));
                }
                index = self.next[index];
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
    use super::Patterns;

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::new(texts.iter().map(|text| text.as_bytes().into()).collect())
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
