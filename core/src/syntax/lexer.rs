//! Text to tokens: the longest match wins, as in Nix's lexer. Strings and paths with interpolation are read by the parser,
//! which knows where they go on after a `}`.

use super::bytes::{self, NAME, PATH, SCHEME, URI, is, run_end};
use super::literal;
use super::parser::PIPES_DISABLED;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    End,
    Name,
    Int,
    Float,
    /// The beginning of a path, up to where an interpolation could stand.
    Path,
    HomePath,
    SearchPath,
    Uri,
    If,
    Then,
    Else,
    Assert,
    With,
    Let,
    In,
    Rec,
    Inherit,
    Or,
    Ellipsis,
    Equal,
    NotEqual,
    LessEqual,
    GreaterEqual,
    And,
    OrOr,
    Implies,
    Update,
    Concat,
    PipeFrom,
    PipeInto,
    /// `${`
    Interpolation,
    Quote,
    IndentedOpen,
    Less,
    Greater,
    Plus,
    Minus,
    Star,
    Slash,
    Question,
    Colon,
    At,
    Semicolon,
    Not,
    Dot,
    ParenOpen,
    ParenClose,
    BraceOpen,
    BraceClose,
    BracketOpen,
    BracketClose,
    Assign,
    Comma,
    /// A byte that begins no token.
    Unknown,
    /// What the lexer itself refuses; [`Lexer::failure`] says why.
    Failed,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
}

/// A lexer that stands on one token.
pub(super) struct Lexer<'a> {
    pub text: &'a [u8],
    /// Where the token behind the present one, or white space before it, begins.
    pub next: usize,
    pub token: Token,
    /// The value of the present token, if it is an integer.
    pub int: i64,
    /// The value of the present token, if it is a float.
    pub float: f64,
    /// Why the present token is [`Kind::Failed`].
    pub failure: Option<Box<str>>,
    /// If the text ends with a path: where the last piece of that begins, which is where Nix then sees the end.
    pub path_at_end: Option<usize>,
    pipes: bool,
    /// No path begins before this offset: the run of path bytes that ends here has no slash behind it. Without this
    /// memory `1+1+1+...` would take quadratic time.
    no_path_before: usize,
    /// The same for URIs.
    no_uri_before: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8], pipes: bool) -> Self {
        Lexer {
            text,
            next: 0,
            token: Token {
                kind: Kind::End,
                start: 0,
                end: 0,
            },
            int: 0,
            float: 0.0,
            failure: None,
            path_at_end: None,
            pipes,
            no_path_before: 0,
            no_uri_before: 0,
        }
    }

    /// The byte at `at`; 0 behind the end.
    #[inline]
    pub fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The text of a token.
    #[inline]
    pub fn text_of(&self, token: Token) -> &'a [u8] {
        &self.text[token.start..token.end]
    }

    /// The first byte of the next token; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        self.skip_trivia();
        self.byte(self.next)
    }

    #[inline]
    fn skip_trivia(&mut self) {
        debug_assert!(
            self.next <= self.text.len(),
            "tokens end where the text does"
        );
        self.next = bytes::blanks_end(self.text, self.next);
        if matches!(self.byte(self.next), b'#' | b'/') {
            self.skip_comments();
        }
    }

    /// Apart, so that the usual way calls nothing.
    #[inline(never)]
    fn skip_comments(&mut self) {
        loop {
            let end = match self.byte(self.next) {
                b'#' => line_end(self.text, self.next),
                b'/' if self.byte(self.next + 1) == b'*' => match comment_end(self.text, self.next)
                {
                    Some(end) => end,
                    // Without its end it is a division, and then a multiplication sign that cannot stand there.
                    None => return,
                },
                _ => return,
            };
            self.next = bytes::blanks_end(self.text, end);
        }
    }

    /// Goes on to the next token.
    #[inline]
    pub fn advance(&mut self) {
        self.skip_trivia();
        let start = self.next;
        let (kind, end) = self.lex(start);
        self.next = end;
        self.token = Token { kind, start, end };
    }

    /// The token that begins at `start`.
    #[inline]
    fn lex(&mut self, start: usize) -> (Kind, usize) {
        let Some(&first) = self.text.get(start) else {
            return (Kind::End, start);
        };
        let second = self.byte(start + 1);
        let one = |kind| (kind, start + 1);
        let two = |kind| (kind, start + 2);
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name(start),
            b'0'..=b'9' => self.number(start),
            b'.' => self.dot(start),
            b'-' | b'+' => {
                if let Some(path) = self.path(start) {
                    return path;
                }
                match (first, second) {
                    (b'-', b'>') => two(Kind::Implies),
                    (b'+', b'+') => two(Kind::Concat),
                    (b'-', _) => one(Kind::Minus),
                    _ => one(Kind::Plus),
                }
            }
            b'/' if second == b'/' => two(Kind::Update),
            b'/' => self.path(start).unwrap_or(one(Kind::Slash)),
            b'~' => self.home_path(start),
            b'<' => self.less(start),
            b'"' => one(Kind::Quote),
            b'\'' if second == b'\'' => (
                Kind::IndentedOpen,
                literal::after_first_line(self.text, start + 2),
            ),
            b'$' if second == b'{' => two(Kind::Interpolation),
            b'=' if second == b'=' => two(Kind::Equal),
            b'=' => one(Kind::Assign),
            b'!' if second == b'=' => two(Kind::NotEqual),
            b'!' => one(Kind::Not),
            b'>' if second == b'=' => two(Kind::GreaterEqual),
            b'>' => one(Kind::Greater),
            b'&' if second == b'&' => two(Kind::And),
            b'|' if second == b'|' => two(Kind::OrOr),
            b'|' if second == b'>' => self.pipe(Kind::PipeInto, start),
            b'*' => one(Kind::Star),
            b'?' => one(Kind::Question),
            b':' => one(Kind::Colon),
            b'@' => one(Kind::At),
            b';' => one(Kind::Semicolon),
            b'(' => one(Kind::ParenOpen),
            b')' => one(Kind::ParenClose),
            b'{' => one(Kind::BraceOpen),
            b'}' => one(Kind::BraceClose),
            b'[' => one(Kind::BracketOpen),
            b']' => one(Kind::BracketClose),
            b',' => one(Kind::Comma),
            // Nix takes this for the end of the text and ignores what follows.
            0 => self.fail("the source has a NUL byte here".into(), start + 1),
            _ => one(Kind::Unknown),
        }
    }

    #[cold]
    fn fail(&mut self, reason: Box<str>, end: usize) -> (Kind, usize) {
        self.failure = Some(reason);
        (Kind::Failed, end)
    }

    fn pipe(&mut self, kind: Kind, start: usize) -> (Kind, usize) {
        match self.pipes {
            true => (kind, start + 2),
            false => self.fail(PIPES_DISABLED.into(), start + 2),
        }
    }

    #[inline]
    fn name(&mut self, start: usize) -> (Kind, usize) {
        let end = run_end(self.text, start + 1, NAME);
        if matches!(self.byte(end), b'.' | b'/' | b':' | b'+')
            && let Some(longer) = self.path(start).or_else(|| self.uri(start))
        {
            return longer;
        }
        (keyword(&self.text[start..end]), end)
    }

    fn number(&mut self, start: usize) -> (Kind, usize) {
        let digits_end = start
            + self.text[start..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
        if is(self.byte(digits_end), PATH) || self.byte(digits_end) == b'/' {
            if let Some(path) = self.path(start) {
                return path;
            }
            // A fraction follows a number without leading zeros, or a lone zero if it has digits.
            let zero = self.text[start] == b'0';
            let fraction = self.byte(digits_end) == b'.'
                && match zero {
                    true => digits_end == start + 1 && self.byte(digits_end + 1).is_ascii_digit(),
                    false => true,
                };
            if fraction {
                return self.fraction(start, digits_end + 1);
            }
        }
        match literal::integer(&self.text[start..digits_end]) {
            Some(value) => self.int = value,
            None => {
                let text = String::from_utf8_lossy(&self.text[start..digits_end]);
                return self.fail(format!("invalid integer '{text}'").into(), digits_end);
            }
        }
        (Kind::Int, digits_end)
    }

    /// The float from `start` whose point is before `at`.
    fn fraction(&mut self, start: usize, at: usize) -> (Kind, usize) {
        let digits = |from: usize| {
            from + self.text[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut end = digits(at);
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end + 1 + sign).is_ascii_digit() {
                end = digits(end + 1 + sign);
            }
        }
        let text = &self.text[start..end];
        match literal::float(text) {
            Some(value) => self.float = value,
            None => {
                let reason = format!("invalid float '{}'", String::from_utf8_lossy(text));
                return self.fail(reason.into(), end);
            }
        }
        (Kind::Float, end)
    }

    #[inline]
    fn dot(&mut self, start: usize) -> (Kind, usize) {
        let second = self.byte(start + 1);
        if !is(second, PATH) && second != b'/' {
            return (Kind::Dot, start + 1);
        }
        if let Some(path) = self.path(start) {
            return path;
        }
        match second {
            b'.' if self.byte(start + 2) == b'.' => (Kind::Ellipsis, start + 3),
            b'0'..=b'9' => self.fraction(start, start + 1),
            _ => (Kind::Dot, start + 1),
        }
    }

    fn less(&mut self, start: usize) -> (Kind, usize) {
        let mut end = start + 1;
        loop {
            let segment = end;
            end = run_end(self.text, segment, PATH);
            match self.byte(end) {
                _ if end == segment => break,
                b'>' => return (Kind::SearchPath, end + 1),
                b'/' => end += 1,
                _ => break,
            }
        }
        match self.byte(start + 1) {
            b'=' => (Kind::LessEqual, start + 2),
            b'|' => self.pipe(Kind::PipeFrom, start),
            _ => (Kind::Less, start + 1),
        }
    }

    fn home_path(&mut self, start: usize) -> (Kind, usize) {
        if self.byte(start + 1) == b'/' {
            if is(self.byte(start + 2), PATH) {
                return (Kind::HomePath, segments_end(self.text, start + 1));
            }
            if self.byte(start + 2) == b'$' && self.byte(start + 3) == b'{' {
                return (Kind::HomePath, start + 2);
            }
        }
        (Kind::Unknown, start + 1)
    }

    /// The path that begins at `start`, if one does.
    fn path(&mut self, start: usize) -> Option<(Kind, usize)> {
        if start < self.no_path_before {
            return None;
        }
        let slash = run_end(self.text, start, PATH);
        if self.byte(slash) == b'/' {
            let after = self.byte(slash + 1);
            if is(after, PATH) {
                return Some((Kind::Path, segments_end(self.text, slash)));
            }
            if after == b'$' && self.byte(slash + 2) == b'{' {
                return Some((Kind::Path, slash + 1));
            }
        }
        self.no_path_before = slash;
        None
    }

    /// The URI that begins at `start`, if one does.
    fn uri(&mut self, start: usize) -> Option<(Kind, usize)> {
        // A scheme begins with a letter; here that excludes `_` alone.
        if start < self.no_uri_before || !is(self.text[start], SCHEME) {
            return None;
        }
        let colon = run_end(self.text, start, SCHEME);
        if self.byte(colon) == b':' && is(self.byte(colon + 1), URI) {
            return Some((Kind::Uri, run_end(self.text, colon + 1, URI)));
        }
        self.no_uri_before = colon;
        None
    }
}

/// Where the `/segment/segment/` that begins at the slash `at` ends; the last slash belongs to it.
pub(super) fn segments_end(text: &[u8], mut at: usize) -> usize {
    while text.get(at) == Some(&b'/') {
        let end = run_end(text, at + 1, PATH);
        if end == at + 1 {
            return end;
        }
        at = end;
    }
    at
}

fn line_end(text: &[u8], from: usize) -> usize {
    memchr::memchr2(b'\n', b'\r', &text[from..]).map_or(text.len(), |skip| from + skip)
}

fn comment_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 2;
    loop {
        at = bytes::find_byte(text, at, b'*')? + 1;
        if text.get(at) == Some(&b'/') {
            return Some(at + 1);
        }
    }
}

#[inline]
fn keyword(name: &[u8]) -> Kind {
    match name {
        b"if" => Kind::If,
        b"in" => Kind::In,
        b"or" => Kind::Or,
        b"let" => Kind::Let,
        b"rec" => Kind::Rec,
        b"then" => Kind::Then,
        b"else" => Kind::Else,
        b"with" => Kind::With,
        b"assert" => Kind::Assert,
        b"inherit" => Kind::Inherit,
        _ => Kind::Name,
    }
}

/// How syntax errors name a token.
pub(super) fn kind_name(kind: Kind, text: &[u8]) -> String {
    let name = match kind {
        Kind::End => "end of file",
        Kind::Name => "identifier",
        Kind::Int => "integer",
        Kind::Float => "floating-point literal",
        Kind::Path => "path",
        Kind::HomePath => "'~/…' path",
        Kind::SearchPath => "'<…>' path",
        Kind::Uri => "URI",
        Kind::IndentedOpen => "start of an indented string",
        Kind::Unknown | Kind::Failed => "invalid token",
        _ => return format!("'{}'", String::from_utf8_lossy(text)),
    };
    name.to_owned()
}
