//! Bracket expressions, as in `[^[:space:]a-z-]`.
//!
//! Bytes compare as signed characters, as `char` does where Nix runs: `[é-z]` ranges over the bytes above 127 first, and
//! `[a-é]` is backwards.

use super::syntax::{ByteSet, Refusal};

/// What the element before the present one was: only a character can begin a range.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Character(u8),
    Class,
}

/// Parses what follows `[`, and moves `input` behind the closing bracket.
pub fn parse(input: &mut &[u8]) -> Result<ByteSet, Refusal> {
    let negated = input.first() == Some(&b'^');
    if negated {
        *input = &input[1..];
    }
    let mut set = ByteSet::default();
    let mut last = Last::Nothing;
    // A bracket or a dash in first place stands for itself.
    if let Some(&byte @ (b']' | b'-')) = input.first() {
        last = Last::Character(byte);
        set.insert(byte);
        *input = &input[1..];
    }
    loop {
        let byte = next(input)?;
        match byte {
            b']' => break,
            b'[' if matches!(input.first(), Some(b'.' | b':' | b'=')) => {
                last = named(input, &mut set)?;
            }
            b'-' => {
                if input.first() == Some(&b']') {
                    *input = &input[1..];
                    set.insert(b'-');
                    break;
                }
                let Last::Character(from) = last else {
                    return Err(Refusal::Invalid);
                };
                range(input, from, &mut set)?;
                last = Last::Nothing;
                continue;
            }
            byte => last = Last::Character(byte),
        }
        if let Last::Character(byte) = last {
            set.insert(byte);
        }
    }
    Ok(if negated { set.complement() } else { set })
}

fn next(input: &mut &[u8]) -> Result<u8, Refusal> {
    let (first, rest) = input.split_first().ok_or(Refusal::Invalid)?;
    *input = rest;
    Ok(*first)
}

/// The end of a range, behind its dash.
fn range(input: &mut &[u8], from: u8, set: &mut ByteSet) -> Result<(), Refusal> {
    let to = next(input)?;
    if to == b'[' && matches!(input.first(), Some(b'.' | b':' | b'=')) {
        return Err(Refusal::Invalid);
    }
    let (from, to) = (from.cast_signed(), to.cast_signed());
    if from > to {
        return Err(Refusal::Invalid);
    }
    (from..=to).for_each(|byte| set.insert(byte.cast_unsigned()));
    Ok(())
}

/// `[:alpha:]`, `[.hyphen.]` or `[=a=]`, behind its opening bracket.
fn named(input: &mut &[u8], set: &mut ByteSet) -> Result<Last, Refusal> {
    let kind = next(input)?;
    let end = input
        .iter()
        .position(|byte| *byte == kind)
        .ok_or(Refusal::Invalid)?;
    let name = &input[..end];
    if input.get(end + 1) != Some(&b']') {
        return Err(Refusal::Invalid);
    }
    *input = &input[end + 2..];
    match kind {
        b':' => {
            *set = set.union(class(name)?);
            Ok(Last::Class)
        }
        b'.' => Ok(Last::Character(collating(name)?)),
        _ => {
            // The primary weights of the C locale ignore case.
            let byte = collating(name)?.to_ascii_lowercase();
            set.insert(byte);
            set.insert(byte.to_ascii_uppercase());
            Ok(Last::Class)
        }
    }
}

fn class(name: &[u8]) -> Result<ByteSet, Refusal> {
    let test: fn(&u8) -> bool = match name.to_ascii_lowercase().as_slice() {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"d" | b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"s" | b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"w" => |byte| byte.is_ascii_alphanumeric() || *byte == b'_',
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return Err(Refusal::Invalid),
    };
    let mut set = ByteSet::default();
    (0..=u8::MAX).filter(test).for_each(|byte| set.insert(byte));
    Ok(set)
}

/// POSIX's names of the characters that are not letters, in the order of their codes.
const CONTROLS: [&str; 32] = [
    "NUL",
    "SOH",
    "STX",
    "ETX",
    "EOT",
    "ENQ",
    "ACK",
    "alert",
    "backspace",
    "tab",
    "newline",
    "vertical-tab",
    "form-feed",
    "carriage-return",
    "SO",
    "SI",
    "DLE",
    "DC1",
    "DC2",
    "DC3",
    "DC4",
    "NAK",
    "SYN",
    "ETB",
    "CAN",
    "EM",
    "SUB",
    "ESC",
    "IS4",
    "IS3",
    "IS2",
    "IS1",
];
const MARKS: [(u8, &[&str]); 4] = [
    (
        b' ',
        &[
            "space",
            "exclamation-mark",
            "quotation-mark",
            "number-sign",
            "dollar-sign",
            "percent-sign",
            "ampersand",
            "apostrophe",
            "left-parenthesis",
            "right-parenthesis",
            "asterisk",
            "plus-sign",
            "comma",
            "hyphen",
            "period",
            "slash",
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "colon",
            "semicolon",
            "less-than-sign",
            "equals-sign",
            "greater-than-sign",
            "question-mark",
            "commercial-at",
        ],
    ),
    (
        b'[',
        &[
            "left-square-bracket",
            "backslash",
            "right-square-bracket",
            "circumflex",
            "underscore",
            "grave-accent",
        ],
    ),
    (
        b'{',
        &[
            "left-curly-bracket",
            "vertical-line",
            "right-curly-bracket",
            "tilde",
        ],
    ),
    (b'\x7f', &["DEL"]),
];

/// The character that a collating element names; letters name themselves.
fn collating(name: &[u8]) -> Result<u8, Refusal> {
    if let [letter] = name
        && letter.is_ascii_alphabetic()
    {
        return Ok(*letter);
    }
    let named = |names: &[&str]| names.iter().position(|known| known.as_bytes() == name);
    if let Some(code) = named(&CONTROLS) {
        return Ok(code as u8);
    }
    MARKS
        .iter()
        .find_map(|(first, names)| Some(first + named(names)? as u8))
        .ok_or(Refusal::Invalid)
}
