//! Short texts, which most are: a call of the function that copies any number of bytes would take longer than to copy them.

/// Copies as many bytes.
#[inline(always)]
pub(crate) fn copy_text(from: &[u8], to: &mut [u8]) {
    let len = from.len();
    debug_assert_eq!(len, to.len(), "as long as the text");
    // Two copies of a fixed size, which overlap in the middle.
    macro_rules! halves {
        ($half:literal) => {{
            to[..$half].copy_from_slice(&from[..$half]);
            to[len - $half..].copy_from_slice(&from[len - $half..]);
        }};
    }
    match len {
        0 => {}
        1 => to[0] = from[0],
        2..4 => halves!(2),
        4..8 => halves!(4),
        8..=16 => halves!(8),
        17..=32 => halves!(16),
        _ => to.copy_from_slice(from),
    }
}

/// The bytes of a text of at most eight as a number, the first one lowest: of two pieces, which overlap. What is written into memory in
/// pieces could not be read as a word at once.
#[inline(always)]
pub(crate) fn text_bits(text: &[u8]) -> u64 {
    let two = |from: usize| u64::from(u16::from_le_bytes([text[from], text[from + 1]]));
    let four = |from: usize| two(from) | two(from + 2) << 16;
    let len = text.len();
    match len {
        0 => 0,
        1 => text[0].into(),
        2..4 => two(0) | two(len - 2) << (8 * (len - 2)),
        4..=8 => four(0) | four(len - 4) << (8 * (len - 4)),
        _ => unreachable!("it is short"),
    }
}
