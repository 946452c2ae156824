//! Standard error: what an evaluated program may put there, and how.
//!
//! A program chooses the text of traces, warnings and errors, and that text ends up on terminals and in the logs of CI
//! systems, which obey what they find there. So all of it passes through [`clean`], line by line:
//! - colours (`ESC [ ... m`) reach terminals and are dropped elsewhere; every other control character is shown as
//!   `\x1b`, `\u{85}` and so on (a tab as blanks), bytes that are not UTF-8 as U+FFFD;
//! - a line that a CI system would take for a command gets a backslash that breaks it: `\::error::...` where a line begins with
//!   two colons (GitHub trims white space before it looks, so indenting would not do), `#\#[...` and `#\#vso[...` anywhere.
//!
//! Everything else stays as Nix prints it.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use unicode_width::UnicodeWidthChar;

const TAB_COLUMNS: usize = 8;

/// Whether standard error takes colours: it is a terminal, and the user did not opt out with `NO_COLOR`.
pub fn has_color() -> bool {
    static COLOR: OnceLock<bool> = OnceLock::new();
    *COLOR.get_or_init(|| {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        !unwanted && !dumb && std::io::stderr().is_terminal()
    })
}

/// "error:", in red where there are colours.
pub fn error_label() -> String {
    paint("31;1", "error:")
}

/// `text` in a colour, where there are colours.
pub fn paint(code: &str, text: &str) -> String {
    if has_color() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Tells the user of something that does not keep the evaluation from going on.
pub fn warn(text: &str) {
    write_error(format!("{} {text}", paint("35;1", "warning:")).as_bytes());
}

/// Writes text to standard error, cleaned and with a line end. That nobody may be listening is no error.
pub fn write_error(text: &[u8]) {
    let mut line = clean(text, has_color());
    if !line.ends_with('\n') {
        line.push('\n');
    }
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(line.as_bytes());
    let _ = stderr.flush();
}

/// Text without white space at the end of a line, and without empty lines at its own: so Nix prints errors and warnings.
pub fn without_blanks_at_ends(text: &str) -> String {
    const BLANK: [char; 4] = [' ', '\n', '\r', '\t'];
    let lines: Vec<&str> = text
        .trim_end_matches(BLANK)
        .split('\n')
        .map(|line| line.trim_end_matches(BLANK))
        .collect();
    lines.join("\n")
}

/// Text as it may be shown; see the head of this file.
pub fn clean(text: &[u8], color: bool) -> String {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut colored = false;
    let mut column = 0;
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = visible(
            line.strip_suffix('\r').unwrap_or(line),
            color,
            &mut colored,
            &mut column,
        );
        push_without_commands(&line, &mut out);
    }
    let end = out.trim_end_matches(['\n', ' ']).len();
    if colored && !out[..end].ends_with("\u{1b}[0m") {
        out.insert_str(out.trim_end_matches('\n').len(), "\u{1b}[0m");
    }
    out
}

/// A line with its control characters made visible, and its tabs as blanks up to the next multiple of eight columns. Columns are counted
/// from the beginning of the text on, across lines, as Nix does.
fn visible(line: &str, color: bool, colored: &mut bool, column: &mut usize) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(length) = color_sequence(rest) {
            if color {
                out.push_str(&rest[..length]);
                *colored = true;
            }
            rest = &rest[length..];
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '\t' => {
                let blanks = TAB_COLUMNS - *column % TAB_COLUMNS;
                out.extend(std::iter::repeat_n(' ', blanks));
                *column += blanks;
            }
            '\0'..='\u{7f}' if character.is_control() => {
                out.push_str(&format!("\\x{:02x}", u32::from(character)))
            }
            character if character.is_control() => out.extend(character.escape_unicode()),
            character => {
                out.push(character);
                *column += character.width().unwrap_or(0);
            }
        }
    }
    out
}

/// The length of the escape sequence for a colour that `text` begins with.
fn color_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// Appends a line in which no CI system finds a command.
fn push_without_commands(line: &str, out: &mut String) {
    let start =
        line.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}');
    let mut rest = line;
    if start.starts_with("::") {
        out.push_str(&line[..line.len() - start.len()]);
        out.push('\\');
        rest = start;
    }
    while let Some(at) = rest.find("##") {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let word = after[1..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
        if word.starts_with('[') {
            out.push('\\');
        }
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::{clean, without_blanks_at_ends};

    #[test]
    fn plain_text_stays() {
        for text in ["", "a", "a\n  b\n", "# title\n## section\na :: b", "é λ ✓"] {
            assert_eq!(clean(text.as_bytes(), false), text);
        }
    }

    #[test]
    fn tabs_end_at_columns_that_are_counted_across_lines() {
        let cases = [
            ("trace: a\tb", "trace: a        b"),
            ("trace: ab\n\tc", "trace: ab\n       c"),
            ("trace: 日\tc", "trace: 日       c"),
            (
                "\x1b[31mtrace:\x1b[0m \tc\t\td",
                "trace:  c               d",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text.as_bytes(), false), expected, "{text:?}");
        }
    }

    #[test]
    fn blanks_at_ends_of_lines_go() {
        assert_eq!(without_blanks_at_ends("a \n  \n b\t\n\n"), "a\n\n b");
        assert_eq!(without_blanks_at_ends(" \n"), "");
    }

    #[test]
    fn commands_of_ci_systems_are_broken() {
        let cases = [
            ("x\n::error::y", "x\n\\::error::y"),
            ("x\n  \u{a0}::error::y", "x\n  \u{a0}\\::error::y"),
            ("::set-output", "\\::set-output"),
            ("trace: ##[error]x", "trace: #\\#[error]x"),
            ("###vso[task.x]", "##\\#vso[task.x]"),
            ("x\r\n::error::y", "x\n\\::error::y"),
            ("\u{1b}[0m::error::", "\\::error::"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text.as_bytes(), false), expected, "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(
            clean(b"a\x1b[2Jb\x07\x08\rc\x7f", false),
            "a\\x1b[2Jb\\x07\\x08\\x0dc\\x7f"
        );
        assert_eq!(clean("\u{9b}31m".as_bytes(), false), "\\u{9b}31m");
        assert_eq!(clean(b"\xff", false), "\u{fffd}");
    }

    #[test]
    fn colors_are_for_terminals() {
        assert_eq!(clean(b"\x1b[31;1mred", false), "red");
        assert_eq!(clean(b"\x1b[31;1mred", true), "\u{1b}[31;1mred\u{1b}[0m");
        assert_eq!(
            clean(b"\x1b[31mred\n\n", true),
            "\u{1b}[31mred\u{1b}[0m\n\n"
        );
        let closed = "\u{1b}[31mred\u{1b}[0m \n";
        assert_eq!(clean(closed.as_bytes(), true), closed);
    }
}
