//! The part of the parser that reads strings and paths: text up to an interpolation, the expression in it, more text.

use super::ast::{AttrName, Expr, ExprId, Part, PathKind, Run};
use super::bytes::{self, PATH, STRING_STOP, find, run_end};
use super::lexer::{Kind, segments_end};
use super::literal::{IndentedPiece, next_indented_piece, path_literal, unescape};
use super::parser::Parser;
use crate::error::Result;

/// Literal text of a `"` string: where it ends, and what it holds.
struct Text {
    end: usize,
    /// Whether it stands for itself, without escapes.
    plain: bool,
    nul: bool,
}

impl Parser<'_> {
    /// The string whose quote is the present token.
    pub(super) fn string(&mut self) -> Result<ExprId> {
        let start = self.lexer.token.start;
        let mark = self.parts.len();
        let mut at = self.lexer.token.end;
        loop {
            let text = self.string_text(at)?;
            if text.end > at {
                let run = self.literal(at, &text);
                if self.parts.len() == mark && self.lexer.byte(text.end) == b'"' {
                    return Ok(self.finish_string(Expr::Str(run), start, text.end));
                }
                self.parts.push(Part::Literal(run));
            }
            if self.lexer.byte(text.end) == b'"' {
                at = text.end;
                break;
            }
            at = self.interpolation(text.end)?;
        }
        if self.parts.len() == mark {
            return Ok(self.finish_string(Expr::Str(Run::default()), start, at));
        }
        let run = self.builder.parts(&self.parts[mark..]);
        self.parts.truncate(mark);
        // Nix has an interpolated string begin behind its quote.
        Ok(self.finish_string(Expr::StrInterp(run), start + 1, at))
    }

    fn finish_string(&mut self, expr: Expr, start: usize, quote: usize) -> ExprId {
        self.lexer.next = quote + 1;
        self.lexer.advance();
        let pos = self.at(start);
        self.builder.ast.push(expr, pos)
    }

    /// The attribute name whose quote is the present token.
    pub(super) fn string_attr(&mut self) -> Result<AttrName> {
        let at = self.lexer.token.end;
        let text = self.string_text(at)?;
        if text.plain && self.lexer.byte(text.end) == b'"' {
            let name = self.builder.interner.intern(&self.lexer.text[at..text.end]);
            self.lexer.next = text.end + 1;
            self.lexer.advance();
            return Ok(AttrName::Static(name));
        }
        let string = self.string()?;
        Ok(self.builder.attr_name(string))
    }

    /// Reads literal text from `at` to the quote or the interpolation that ends it.
    fn string_text(&mut self, at: usize) -> Result<Text> {
        let text = self.lexer.text;
        let mut found = Text {
            end: at,
            plain: true,
            nul: false,
        };
        loop {
            found.end = find(text, found.end, STRING_STOP);
            let Some(&stop) = text.get(found.end) else {
                break;
            };
            match stop {
                b'"' => break,
                b'$' => match text.get(found.end + 1) {
                    Some(b'{') => break,
                    // A dollar sign takes the next one with it: `$${` is no interpolation.
                    Some(b'$') => found.end += 2,
                    _ => found.end += 1,
                },
                b'\\' => {
                    found.plain = false;
                    found.nul |= text.get(found.end + 1) == Some(&0);
                    found.end += 2;
                }
                b'\r' => {
                    found.plain = false;
                    found.end += 1;
                }
                _ => {
                    found.nul = true;
                    found.end += 1;
                }
            }
        }
        found.end = found.end.min(text.len());
        if found.nul {
            return Err(self.nul_error(at, &text[at..found.end]));
        }
        if found.end == text.len() {
            return Err(self.unexpected_as("end of file", text.len(), "'\"'"));
        }
        Ok(found)
    }

    fn literal(&mut self, at: usize, text: &Text) -> Run {
        let raw = &self.lexer.text[at..text.end];
        if text.plain {
            return self.builder.bytes(raw);
        }
        let bytes = &mut self.builder.ast.bytes;
        let start = bytes.len();
        unescape(raw, bytes);
        Run {
            start: start as u32,
            len: (bytes.len() - start) as u32,
        }
    }

    /// Adds the interpolation at `at` to the parts; where it ends.
    fn interpolation(&mut self, at: usize) -> Result<usize> {
        let inner = self.interpolated(at)?;
        let pos = self.at(at);
        self.parts.push(Part::Expr(inner, pos));
        Ok(self.lexer.token.end)
    }

    /// The expression of the interpolation at `at`; stays on its closing brace.
    fn interpolated(&mut self, at: usize) -> Result<ExprId> {
        self.lexer.next = at + 2;
        self.lexer.advance();
        let inner = self.expr()?;
        match self.kind() {
            Kind::BraceClose => Ok(inner),
            _ => Err(self.unexpected("'}'")),
        }
    }

    /// The indented string whose quotes are the present token.
    pub(super) fn indented_string(&mut self) -> Result<ExprId> {
        let token = self.lexer.token;
        let text = self.lexer.text;
        let mark = self.pieces.len();
        let mut at = token.end;
        loop {
            while let Some((piece, end)) = next_indented_piece(text, at) {
                self.check_piece(piece, at)?;
                self.pieces.push((piece, at));
                at = end;
            }
            match text.get(at) {
                Some(b'$') => {
                    let inner = self.interpolated(at)?;
                    self.pieces.push((IndentedPiece::Interpolation(inner), at));
                    at = self.lexer.token.end;
                }
                Some(b'\'') => break,
                _ => {
                    let expecting = "indented string or '${' or end of an indented string";
                    return Err(self.unexpected_as("end of file", text.len(), expecting));
                }
            }
        }
        self.lexer.next = at + 2;
        self.lexer.advance();
        let string = self
            .builder
            .indented_string(&self.pieces[mark..], token.start);
        self.pieces.truncate(mark);
        Ok(string)
    }

    fn check_piece(&self, piece: IndentedPiece<ExprId>, at: usize) -> Result<()> {
        match piece {
            IndentedPiece::Source(start, end)
                if bytes::find_byte(&self.lexer.text[..end], start, 0).is_some() =>
            {
                Err(self.nul_error(at, &self.lexer.text[start..end]))
            }
            IndentedPiece::Byte(0) => Err(self.nul_error(at, b"\0")),
            _ => Ok(()),
        }
    }

    #[cold]
    fn nul_error(&self, at: usize, raw: &[u8]) -> crate::error::Error {
        let mut text = Vec::new();
        unescape(raw, &mut text);
        let text = String::from_utf8_lossy(&text).replace('\0', "␀");
        let message = format!(
            "input string '{text}' cannot be represented as Nix string because it contains null bytes"
        );
        self.error(at, message)
    }

    /// The path that begins with the present token.
    pub(super) fn path(&mut self) -> Result<ExprId> {
        let token = self.lexer.token;
        let text = self.lexer.text;
        let raw = self.lexer.text_of(token);
        self.lint_path(token)?;
        let (kind, first) = path_literal(raw);
        let run = self.builder.bytes(&first);
        let pos = self.at(token.start);
        let at = token.end;
        let plain_end =
            run_end(text, at, PATH) == at && !matches!(self.lexer.byte(at), b'/' | b'$');
        if plain_end && !raw.ends_with(b"/") {
            if at == text.len() {
                self.lexer.path_at_end = Some(token.start);
            }
            self.lexer.advance();
            return Ok(self.builder.ast.push(Expr::Path(kind, run), pos));
        }
        self.long_path(kind, run, at)
    }

    /// A path of more than one piece, the first of which is the present token.
    fn long_path(&mut self, kind: PathKind, first: Run, mut at: usize) -> Result<ExprId> {
        let text = self.lexer.text;
        let start = self.lexer.token.start;
        let mark = self.parts.len();
        self.parts.push(Part::Literal(first));
        // Where the last two pieces of text begin: Nix reports its errors there.
        let mut piece_starts = [start, start];
        let mut interpolated = false;
        loop {
            if text[at..].starts_with(b"${") {
                interpolated = true;
                at = self.interpolation(at)?;
                piece_starts = [at - 1, at - 1];
                continue;
            }
            let end = path_piece_end(text, at);
            if end == at {
                break;
            }
            if !interpolated && self.parts.len() > mark + 1 {
                return Err(self.unexpected_as("string", at, "'${'"));
            }
            piece_starts = [piece_starts[1], at];
            let run = self.builder.bytes(&text[at..end]);
            self.parts.push(Part::Literal(run));
            at = end;
        }
        let at_end = at == text.len();
        let reported = piece_starts[usize::from(!at_end)];
        if text[at - 1] == b'/' {
            return Err(self.error(
                if at_end { piece_starts[1] } else { at },
                "path has a trailing slash",
            ));
        }
        if !interpolated && self.parts.len() > mark + 1 {
            return Err(self.unexpected_as("end of path", reported, "'${'"));
        }
        if at_end {
            self.lexer.path_at_end = Some(piece_starts[1]);
        }
        self.lexer.next = at;
        self.lexer.advance();
        let pos = self.at(start);
        let expr = match interpolated {
            true => Expr::PathInterp(kind, self.builder.parts(&self.parts[mark..])),
            false => Expr::Path(kind, first),
        };
        self.parts.truncate(mark);
        Ok(self.builder.ast.push(expr, pos))
    }
}

/// Where the piece of path text at `at` ends: segments with slashes between them and perhaps one behind, or one slash.
fn path_piece_end(text: &[u8], at: usize) -> usize {
    let end = run_end(text, at, PATH);
    if text.get(end) == Some(&b'/') {
        segments_end(text, end)
    } else {
        end
    }
}
