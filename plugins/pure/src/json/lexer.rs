//! Tokens of JSON, and errors in the words of nlohmann/json.

use std::borrow::Cow;

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub enum Token<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Int(i64),
    /// A whole number that only an unsigned integer can hold.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(Cow<'a, [u8]>),
    /// `[`
    ListStart,
    /// `]`
    ListEnd,
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `:`
    Colon,
    /// `,`
    Comma,
    /// The end of the text.
    End,
}

impl Token<'_> {
    fn name(&self) -> &'static str {
        match self {
            Token::Null => "null literal",
            Token::Bool(true) => "true literal",
            Token::Bool(false) => "false literal",
            Token::Int(_) | Token::Unsigned(_) | Token::Float(_) => "number literal",
            Token::String(_) => "string literal",
            Token::ListStart => "'['",
            Token::ListEnd => "']'",
            Token::ObjectStart => "'{'",
            Token::ObjectEnd => "'}'",
            Token::Colon => "':'",
            Token::Comma => "','",
            Token::End => "end of input",
        }
    }
}

/// A message; it may quote bytes that are not UTF-8.
pub type Message = Vec<u8>;

/// A complaint of the lexer; [`Lexer::error`] makes a message of it.
pub type Complaint = Cow<'static, str>;

/// Reads tokens off a text.
pub struct Lexer<'a> {
    text: &'a [u8],
    /// How many bytes were read; one more than there are after an attempt to read beyond the end.
    read: usize,
    /// Where the text starts that messages quote: the last string or number.
    quoted_from: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Lexer {
            text,
            read: 0,
            quoted_from: 0,
        }
    }

    fn get(&mut self) -> Option<u8> {
        let byte = self.text.get(self.read).copied();
        self.read = match byte {
            Some(_) => self.read + 1,
            None => self.text.len() + 1,
        };
        byte
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.read).copied()
    }

    /// The next token.
    pub fn next(&mut self) -> Result<Token<'a>, Complaint> {
        if self.read == 0 && self.peek() == Some(0xef) {
            self.read = 1;
            if self.get() != Some(0xbb) || self.get() != Some(0xbf) {
                return Err("invalid BOM; must be 0xEF 0xBB 0xBF if given".into());
            }
        }
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        Ok(match self.get() {
            Some(b'[') => Token::ListStart,
            Some(b']') => Token::ListEnd,
            Some(b'{') => Token::ObjectStart,
            Some(b'}') => Token::ObjectEnd,
            Some(b':') => Token::Colon,
            Some(b',') => Token::Comma,
            Some(b't') => self.literal(b"rue", Token::Bool(true))?,
            Some(b'f') => self.literal(b"alse", Token::Bool(false))?,
            Some(b'n') => self.literal(b"ull", Token::Null)?,
            Some(b'"') => Token::String(self.string()?),
            Some(first @ (b'-' | b'0'..=b'9')) => self.number(first)?,
            None => Token::End,
            Some(_) => return Err("invalid literal".into()),
        })
    }

    fn literal(&mut self, rest: &[u8], token: Token<'a>) -> Result<Token<'a>, Complaint> {
        for expected in rest {
            if self.get() != Some(*expected) {
                return Err("invalid literal".into());
            }
        }
        Ok(token)
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, Complaint> {
        self.quoted_from = self.read - 1;
        let start = self.read;
        let mut decoded: Option<Vec<u8>> = None;
        // Where the part starts that is copied as it is.
        let mut plain = start;
        loop {
            self.skip(|byte| matches!(byte, 0x20..=0x7f) && byte != b'"' && byte != b'\\');
            let at = self.read;
            match self.get() {
                Some(b'"') => {
                    let rest = &self.text[plain..at];
                    return Ok(match decoded {
                        None => Cow::Borrowed(rest),
                        Some(mut bytes) => {
                            bytes.extend_from_slice(rest);
                            Cow::Owned(bytes)
                        }
                    });
                }
                Some(b'\\') => {
                    let bytes = decoded.get_or_insert_default();
                    bytes.extend_from_slice(&self.text[plain..at]);
                    let character = self.escape()?;
                    let mut buffer = [0; 4];
                    bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                    plain = self.read;
                }
                Some(byte @ 0..=0x1f) => return Err(control(byte).into()),
                Some(lead) => self.continuation(lead)?,
                None => return Err("invalid string: missing closing quote".into()),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Complaint> {
        Ok(match self.get() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err("invalid string: forbidden character after backslash".into()),
        })
    }

    fn code_point(&mut self) -> Result<char, Complaint> {
        let unpaired =
            "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF";
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if self.get() != Some(b'\\') || self.get() != Some(b'u') {
                    return Err(unpaired.into());
                }
                match self.hex4()? {
                    second @ 0xdc00..=0xdfff => {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(unpaired.into()),
                }
            }
            code => code,
        };
        // What is not a character here is the second half of a pair.
        char::from_u32(code)
            .ok_or("invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF".into())
    }

    fn hex4(&mut self) -> Result<u32, Complaint> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self
                .get()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or("invalid string: '\\u' must be followed by 4 hex digits")?;
            code = code << 4 | digit;
        }
        Ok(code)
    }

    /// The rest of a sequence of UTF-8.
    fn continuation(&mut self, lead: u8) -> Result<(), Complaint> {
        let (second, more) = match lead {
            0xc2..=0xdf => (0x80..=0xbf, 0),
            0xe0 => (0xa0..=0xbf, 1),
            0xed => (0x80..=0x9f, 1),
            0xe1..=0xef => (0x80..=0xbf, 1),
            0xf0 => (0x90..=0xbf, 2),
            0xf1..=0xf3 => (0x80..=0xbf, 2),
            0xf4 => (0x80..=0x8f, 2),
            _ => return Err("invalid string: ill-formed UTF-8 byte".into()),
        };
        let mut fits = self.get().is_some_and(|byte| second.contains(&byte));
        for _ in 0..more {
            fits = fits && self.get().is_some_and(|byte| (0x80..=0xbf).contains(&byte));
        }
        fits.then_some(())
            .ok_or("invalid string: ill-formed UTF-8 byte".into())
    }

    fn number(&mut self, first: u8) -> Result<Token<'a>, Complaint> {
        self.quoted_from = self.read - 1;
        let mut is_whole = true;
        let mut lead = Some(first);
        if first == b'-' {
            lead = self.get();
        }
        match lead {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err("invalid number; expected digit after '-'".into()),
        }
        if self.peek() == Some(b'.') {
            self.read += 1;
            is_whole = false;
            self.digits("invalid number; expected digit after '.'")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.read += 1;
            is_whole = false;
            if let Some(b'+' | b'-') = self.peek() {
                self.read += 1;
                self.digits("invalid number; expected digit after exponent sign")?;
            } else {
                self.digits("invalid number; expected '+', '-', or digit after exponent")?;
            }
        }
        // Digits and signs, so that it is UTF-8.
        let text = str::from_utf8(self.number_text()).unwrap_or_default();
        if is_whole && let Ok(value) = text.parse() {
            return Ok(Token::Int(value));
        }
        if is_whole && let Ok(value) = text.parse() {
            return Ok(Token::Unsigned(value));
        }
        Ok(Token::Float(text.parse().unwrap_or(f64::NAN)))
    }

    fn digits(&mut self, complaint: &'static str) -> Result<(), Complaint> {
        match self.get() {
            Some(b'0'..=b'9') => {
                self.skip_digits();
                Ok(())
            }
            _ => Err(complaint.into()),
        }
    }

    fn skip_digits(&mut self) {
        self.skip(|byte| byte.is_ascii_digit());
    }

    /// Goes past the bytes for which this holds.
    fn skip(&mut self, goes_on: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.read..).unwrap_or_default();
        let end = rest.iter().position(|byte| !goes_on(*byte));
        self.read += end.unwrap_or(rest.len());
    }

    /// The text of the number that was just read.
    pub fn number_text(&self) -> &'a [u8] {
        &self.text[self.quoted_from..self.read]
    }

    /// Whether there was nothing at all.
    pub fn is_empty(&self) -> bool {
        self.read == 1
    }

    /// The message for a token that is malformed.
    #[cold]
    pub fn malformed(&self, complaint: &str, context: &str, expected: &str) -> Message {
        let mut detail = complaint.as_bytes().to_vec();
        detail.extend_from_slice(b"; last read: '");
        let end = self.read.min(self.text.len());
        for byte in &self.text[self.quoted_from..end] {
            match byte {
                0..=0x1f => detail.extend_from_slice(format!("<U+{byte:04X}>").as_bytes()),
                _ => detail.push(*byte),
            }
        }
        detail.push(b'\'');
        self.message(context, detail, expected)
    }

    /// The message for a token in a place that is not its own.
    #[cold]
    pub fn unexpected(&self, token: &Token<'_>, context: &str, expected: &str) -> Message {
        self.message(
            context,
            [b"unexpected ", token.name().as_bytes()].concat(),
            expected,
        )
    }

    fn message(&self, context: &str, detail: Vec<u8>, expected: &str) -> Message {
        let mut message = self.place();
        message.extend_from_slice(format!("syntax error while parsing {context} - ").as_bytes());
        message.extend(detail);
        if !expected.is_empty() {
            message.extend_from_slice(format!("; expected {expected}").as_bytes());
        }
        message
    }

    /// The beginning of each message: how far the lexer has read.
    pub fn place(&self) -> Message {
        let read = &self.text[..self.read.min(self.text.len())];
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line_start = read
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let column = self.read - line_start;
        format!("[json.exception.parse_error.101] parse error at line {line}, column {column}: ")
            .into_bytes()
    }
}

fn control(byte: u8) -> String {
    const NAMES: [&str; 32] = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR",
        "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB",
        "ESC", "FS", "GS", "RS", "US",
    ];
    let short = match byte {
        0x08 => " or \\b",
        b'\t' => " or \\t",
        b'\n' => " or \\n",
        0x0c => " or \\f",
        b'\r' => " or \\r",
        _ => "",
    };
    format!(
        "invalid string: control character U+{byte:04X} ({}) must be escaped to \\u{byte:04X}{short}",
        NAMES[usize::from(byte)]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read up to the end or to the first complaint, whose message comes last.
    fn read(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            match lexer.next() {
                Ok(Token::End) => return found,
                Ok(token) => found.push(format!("{token:?}")),
                Err(complaint) => {
                    let message = lexer.malformed(&complaint, "value", "");
                    found.push(String::from_utf8_lossy(&message).into_owned());
                    return found;
                }
            }
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(
            read("-0 9223372036854775807 9223372036854775808 -9223372036854775809 1e5 1.50"),
            [
                "Int(0)",
                "Int(9223372036854775807)",
                "Unsigned(9223372036854775808)",
                "Float(-9.223372036854776e18)",
                "Float(100000.0)",
                "Float(1.5)",
            ]
        );
        assert_eq!(read("01"), ["Int(0)", "Int(1)"]);
    }

    #[test]
    fn strings() {
        let decoded = Token::String(Cow::Owned("a\n😀/".into()));
        assert_eq!(read(r#""a\n\ud83d\ude00\/""#), [format!("{decoded:?}")]);
    }

    #[test]
    fn messages() {
        for (text, place, detail) in [
            (
                "\n nul",
                "line 2, column 5",
                "invalid literal; last read: '<U+000A> nul'",
            ),
            (
                "1.",
                "line 1, column 3",
                "invalid number; expected digit after '.'; last read: '1.'",
            ),
            (
                "-",
                "line 1, column 2",
                "invalid number; expected digit after '-'; last read: '-'",
            ),
            (
                "\"a",
                "line 1, column 3",
                "invalid string: missing closing quote; last read: '\"a'",
            ),
            (
                "\"\t\"",
                "line 1, column 2",
                "invalid string: control character U+0009 (HT) must be escaped to \\u0009 or \\t; \
                 last read: '\"<U+0009>'",
            ),
            (
                "\"\\ud800\"",
                "line 1, column 8",
                "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF; \
                 last read: '\"\\ud800\"'",
            ),
        ] {
            let expected = format!(
                "[json.exception.parse_error.101] parse error at {place}: \
                 syntax error while parsing value - {detail}"
            );
            assert_eq!(read(text), [expected]);
        }
    }
}
