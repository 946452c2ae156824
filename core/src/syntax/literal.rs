//! What literals mean: escapes, the indentation of `''` strings, path literals, numbers.

use super::ast::PathKind;
use super::bytes::{INDENTED_STOP, find, find_byte};

/// Appends `raw`, the inside of a `"` string without interpolation, with escapes resolved and line ends normalised.
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\r')) {
        out.extend_from_slice(&rest[..at]);
        let carriage_return = rest[at] == b'\r';
        rest = &rest[at + 1..];
        let Some(&next) = rest.first() else {
            out.push(b'\n');
            return;
        };
        if carriage_return {
            out.push(b'\n');
            if next == b'\n' {
                rest = &rest[1..];
            }
        } else {
            out.push(escaped(next));
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
}

/// The byte that a backslash before `byte` stands for.
pub fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

/// What stands between the quotes of an indented string, in pieces. The pieces are those that Nix's own lexer makes,
/// because how indentation is measured depends on where they end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IndentedPiece<T> {
    /// Source bytes from the first offset to before the second: they can hold indentation.
    Source(usize, usize),
    /// What an escape stands for; it ends the indentation of its line.
    Escape(&'static [u8]),
    /// What `''\` and a byte stand for.
    Byte(u8),
    /// An interpolation.
    Interpolation(T),
}

/// A piece of an indented string without its indentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StrippedPiece<T> {
    /// Literal bytes, never none: a range of the buffer.
    Text(usize, usize),
    /// An interpolation.
    Interpolation(T),
}

/// Where the text of an indented string begins, given where its opening quotes end: a first line of spaces alone does not
/// belong to it.
pub fn after_first_line(text: &[u8], at: usize) -> usize {
    let spaces = text[at..].iter().take_while(|byte| **byte == b' ').count();
    if text.get(at + spaces) == Some(&b'\n') {
        at + spaces + 1
    } else {
        at
    }
}

/// The next piece of an indented string at `at`, and where it ends; `None` where an interpolation, the closing
/// quotes or the end of the text come first.
pub fn next_indented_piece<T>(text: &[u8], at: usize) -> Option<(IndentedPiece<T>, usize)> {
    let end = indented_run(text, at);
    if end > at {
        return Some((IndentedPiece::Source(at, end), end));
    }
    match text.get(at)? {
        b'$' if text.get(at + 1) == Some(&b'{') => None,
        b'$' => Some((IndentedPiece::Escape(b"$"), at + 1)),
        b'\'' if text.get(at + 1) == Some(&b'\'') => match text.get(at + 2) {
            Some(b'$') => Some((IndentedPiece::Escape(b"$"), at + 3)),
            Some(b'\'') => Some((IndentedPiece::Escape(b"''"), at + 3)),
            Some(b'\\') => text
                .get(at + 3)
                .map(|byte| (IndentedPiece::Byte(escaped(*byte)), at + 4)),
            _ => None,
        },
        _ => Some((IndentedPiece::Escape(b"'"), at + 1)),
    }
}

/// Where the run of plain bytes that begins at `at` ends. `$` and `'` are plain together with a following byte that does
/// not make them special, and that byte is used up: this is why `$${` is no interpolation.
fn indented_run(text: &[u8], mut at: usize) -> usize {
    loop {
        at = find(text, at, INDENTED_STOP);
        match (text.get(at), text.get(at + 1)) {
            (Some(b'$'), Some(next)) if !matches!(next, b'{' | b'\'') => at += 2,
            (Some(b'\''), Some(next)) if !matches!(next, b'\'' | b'$') => at += 2,
            _ => return at,
        }
    }
}

/// Removes the indentation that all lines share, as Nix does: only spaces count, lines of spaces alone do not, and a last
/// line of spaces alone vanishes. `text` is the source that [`IndentedPiece::Source`] points into; the literal bytes go
/// to `buffer`, the pieces with their offsets to `out`.
pub fn strip_indentation<T: Copy>(
    text: &[u8],
    pieces: &[(IndentedPiece<T>, usize)],
    buffer: &mut Vec<u8>,
    out: &mut Vec<(StrippedPiece<T>, usize)>,
) {
    let indent = common_indent(text, pieces);
    let mut line_start = true;
    let mut dropped = 0;
    for (index, (piece, offset)) in pieces.iter().enumerate() {
        let byte;
        let raw: &[u8] = match piece {
            IndentedPiece::Source(start, end) => &text[*start..*end],
            IndentedPiece::Escape(bytes) => bytes,
            IndentedPiece::Byte(value) => {
                byte = [*value];
                &byte
            }
            IndentedPiece::Interpolation(inner) => {
                line_start = false;
                dropped = 0;
                out.push((StrippedPiece::Interpolation(*inner), *offset));
                continue;
            }
        };
        let start = buffer.len();
        let mut at = 0;
        while at < raw.len() {
            if line_start && raw[at] == b' ' {
                dropped += 1;
                if dropped > indent {
                    buffer.push(b' ');
                }
                at += 1;
                continue;
            }
            // Not indentation: the rest of the line goes over as it is.
            let end = find_byte(raw, at, b'\n').map_or(raw.len(), |newline| newline + 1);
            buffer.extend_from_slice(&raw[at..end]);
            if line_start {
                dropped = 0;
            }
            line_start = raw[end - 1] == b'\n';
            at = end;
        }
        if index + 1 == pieces.len() {
            let blank = buffer[start..]
                .iter()
                .rev()
                .take_while(|byte| **byte == b' ')
                .count();
            let rest = buffer.len() - blank;
            if rest > start && buffer[rest - 1] == b'\n' {
                buffer.truncate(rest);
            }
        }
        if buffer.len() > start {
            out.push((StrippedPiece::Text(start, buffer.len()), *offset));
        }
    }
}

fn common_indent<T>(text: &[u8], pieces: &[(IndentedPiece<T>, usize)]) -> usize {
    // Nix starts from this number too: deeper indentation than that stays.
    let mut minimum = 1_000_000;
    let mut current = 0;
    let mut line_start = true;
    for (piece, _) in pieces {
        let IndentedPiece::Source(start, end) = piece else {
            if line_start {
                line_start = false;
                minimum = minimum.min(current);
            }
            continue;
        };
        let raw = &text[*start..*end];
        let mut at = 0;
        while at < raw.len() {
            if !line_start {
                match find_byte(raw, at, b'\n') {
                    None => break,
                    Some(newline) => at = newline + 1,
                }
                line_start = true;
                current = 0;
                continue;
            }
            match raw[at] {
                b' ' => current += 1,
                b'\n' => current = 0,
                _ => {
                    line_start = false;
                    minimum = minimum.min(current);
                }
            }
            at += 1;
        }
    }
    minimum
}

/// The canonical form of an absolute path: no `.`, no `..`, no doubled or final slash.
pub fn canonical_path(path: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => out.truncate(out.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                out.push(b'/');
                out.extend_from_slice(name);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

/// The path that a literal of `kind` and `text` means, given the folder of its source and the home folder. It keeps a
/// final slash, which only the first piece of an interpolated path can have.
pub fn resolve_path(kind: PathKind, text: &[u8], base_dir: &[u8], home_dir: &[u8]) -> Vec<u8> {
    let mut path = match kind {
        PathKind::Absolute => return text.to_vec(),
        PathKind::Home => return [home_dir, b"/", text].concat(),
        PathKind::Relative => canonical_path(&[base_dir, b"/", text].concat()),
    };
    if text.len() > 1 && text.ends_with(b"/") {
        path.push(b'/');
    }
    path
}

/// Kind and text, as the tree keeps them, of the path literal `raw`.
pub fn path_literal(raw: &[u8]) -> (PathKind, std::borrow::Cow<'_, [u8]>) {
    match raw {
        [b'~', b'/', rest @ ..] => (PathKind::Home, rest.into()),
        [b'/', ..] => {
            let mut path = canonical_path(raw);
            if raw.len() > 1 && raw.ends_with(b"/") {
                path.push(b'/');
            }
            (PathKind::Absolute, path.into())
        }
        _ => (PathKind::Relative, raw.into()),
    }
}

/// The value of an integer literal, if it fits.
pub fn integer(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })
}

/// The value of a float literal; `None` if it is too large or too small for full precision, which Nix refuses.
pub fn float(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let zero_as_written = || {
        text.split(|byte| matches!(byte, b'e' | b'E'))
            .next()
            .is_some_and(no_digit_but_zero)
    };
    (value.is_normal() || (value == 0.0 && zero_as_written())).then_some(value)
}

fn no_digit_but_zero(mantissa: &[u8]) -> bool {
    mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'))
}
