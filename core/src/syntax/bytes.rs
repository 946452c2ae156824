//! Classes of bytes, and runs of them: what the lexer decides by.

/// May begin an identifier.
pub(super) const NAME_START: u8 = 1;
/// May continue an identifier.
pub(super) const NAME: u8 = 1 << 1;
/// May stand in a path, between slashes.
pub(super) const PATH: u8 = 1 << 2;
/// May continue the scheme of a URI.
pub(super) const SCHEME: u8 = 1 << 3;
/// May stand in a URI after its scheme.
pub(super) const URI: u8 = 1 << 4;
/// Is not plain text in a `"` string.
pub(super) const STRING_STOP: u8 = 1 << 5;
/// Is not plain text in a `''` string.
pub(super) const INDENTED_STOP: u8 = 1 << 6;

/// The classes of each byte.
pub(super) const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes(byte as u8);
        byte += 1;
    }
    table
};

const fn classes(byte: u8) -> u8 {
    let mut found = 0;
    if byte.is_ascii_alphabetic() {
        found |= NAME_START | NAME | PATH | SCHEME | URI;
    }
    if byte.is_ascii_digit() {
        found |= NAME | PATH | SCHEME | URI;
    }
    found
        | match byte {
            b'_' => NAME_START | NAME | PATH | URI,
            b'-' => NAME | PATH | SCHEME | URI,
            b'\'' => NAME | URI | INDENTED_STOP,
            b'.' | b'+' => PATH | SCHEME | URI,
            b'%' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b',' | b'!' | b'~' | b'*' => URI,
            b'$' => URI | STRING_STOP | INDENTED_STOP,
            b'"' | b'\\' | b'\r' | 0 => STRING_STOP,
            _ => 0,
        }
}

/// Whether `byte` is in one of `classes`.
#[inline]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[usize::from(byte)] & classes != 0
}

/// Where the run of bytes of `classes` that begins at `from` ends.
#[inline]
pub(super) fn run_end(text: &[u8], from: usize, classes: u8) -> usize {
    let Some(rest) = text.get(from..) else {
        return text.len();
    };
    rest.iter()
        .position(|byte| !is(*byte, classes))
        .map_or(text.len(), |skip| from + skip)
}

/// Where the first byte of `classes` from `from` on stands; the end of the text if there is none.
#[inline]
pub(super) fn find(text: &[u8], from: usize, classes: u8) -> usize {
    let Some(rest) = text.get(from..) else {
        return text.len();
    };
    rest.iter()
        .position(|byte| is(*byte, classes))
        .map_or(text.len(), |skip| from + skip)
}

/// Where the first `wanted` from `from` on stands.
#[inline]
pub(super) fn find_byte(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    memchr::memchr(wanted, text.get(from..)?).map(|skip| from + skip)
}

/// Where the white space from `from` on ends, of which there may be none. Indentation is most of it: of that eight bytes are told at
/// once.
#[inline]
pub(super) fn blanks_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = text.get(at) {
        if *byte == b' ' {
            at += 1;
            while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
                let others = u64::from_le_bytes(*eight) ^ u64::from_le_bytes([b' '; 8]);
                at += others.trailing_zeros() as usize / 8;
                if others != 0 {
                    break;
                }
            }
        } else if matches!(byte, b'\n' | b'\r' | b'\t') {
            at += 1;
        } else {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_of_all_lengths() {
        for before in 0..3 {
            for spaces in 0..30 {
                for end in ["", "x", "\n", "\n  x", "\t\r\n", "  \u{a0}"] {
                    let text = format!("{}{}{end}", "\n".repeat(before), " ".repeat(spaces));
                    let text = text.as_bytes();
                    let is_blank = |byte: &u8| b" \t\r\n".contains(byte);
                    let expected = text.iter().take_while(|byte| is_blank(byte)).count();
                    assert_eq!(blanks_end(text, 0), expected, "{text:?}");
                }
            }
        }
        assert_eq!(blanks_end(b"x", 1), 1);
    }
}
