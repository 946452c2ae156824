//! The part of the lowering from rnix that reads literals: numbers, strings, paths.

use rnix::SyntaxKind::*;
use rnix::SyntaxNode;

use super::ast::{Expr, ExprId, Part, PathKind, Run};
use super::literal::{self, IndentedPiece};
use super::lower::{Lowering, range, start, tokens};
use crate::error::Result;

impl Lowering<'_, '_> {
    pub(super) fn literal(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let token = tokens(node).next().ok_or_else(|| self.unexpected(node))?;
        let at = range(&token).start;
        let text = token.text().as_bytes();
        let expr = match token.kind() {
            TOKEN_INTEGER => Expr::Int(literal::integer(text).ok_or_else(|| {
                self.builder
                    .error(at, format!("invalid integer '{}'", token.text()))
            })?),
            TOKEN_FLOAT => Expr::Float(literal::float(text).ok_or_else(|| {
                self.builder
                    .error(at, format!("invalid float '{}'", token.text()))
            })?),
            _ => Expr::Str(self.builder.bytes(text)),
        };
        Ok(self.builder.ast.push(expr, self.builder.at(at)))
    }

    pub(super) fn interpolated(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        self.expr(&self.child(node, 0)?)
    }

    pub(super) fn string(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let at = start(node);
        let file = self.builder.file;
        let text = file.text();
        if text[at] == b'\'' {
            return self.indented_string(node, text);
        }
        let mut parts = Vec::new();
        let mut buffer = Vec::new();
        for part in node.children_with_tokens() {
            match part {
                rnix::NodeOrToken::Node(inner) => {
                    let expr = self.interpolated(&inner)?;
                    parts.push(Part::Expr(expr, self.builder.at(start(&inner))));
                }
                rnix::NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_CONTENT => {
                    buffer.clear();
                    literal::unescape(&text[range(&token)], &mut buffer);
                    parts.push(Part::Literal(self.builder.bytes(&buffer)));
                }
                rnix::NodeOrToken::Token(_) => {}
            }
        }
        // Nix has an interpolated string begin behind its quote.
        let (expr, at) = match parts[..] {
            [] => (Expr::Str(Run::default()), at),
            [Part::Literal(run)] => (Expr::Str(run), at),
            _ => (Expr::StrInterp(self.builder.parts(&parts)), at + 1),
        };
        Ok(self.builder.ast.push(expr, self.builder.at(at)))
    }

    fn indented_string(&mut self, node: &SyntaxNode, text: &[u8]) -> Result<ExprId> {
        let mut pieces = Vec::new();
        let mut first = true;
        for part in node.children_with_tokens() {
            match part {
                rnix::NodeOrToken::Node(inner) => {
                    let expr = self.interpolated(&inner)?;
                    pieces.push((IndentedPiece::Interpolation(expr), start(&inner)));
                    first = false;
                }
                rnix::NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_CONTENT => {
                    let std::ops::Range { start: mut at, end } = range(&token);
                    if std::mem::take(&mut first) {
                        at = literal::after_first_line(text, at);
                    }
                    while at < end
                        && let Some((piece, next)) = literal::next_indented_piece(text, at)
                    {
                        pieces.push((piece, at));
                        at = next;
                    }
                }
                rnix::NodeOrToken::Token(_) => {}
            }
        }
        Ok(self.builder.indented_string(&pieces, start(node)))
    }

    pub(super) fn path(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let at = start(node);
        let pos = self.builder.at(at);
        if node.kind() == NODE_PATH_SEARCH {
            let text = node.text().to_string();
            let run = self.builder.bytes(&text.as_bytes()[1..text.len() - 1]);
            return Ok(self.builder.ast.push(Expr::SearchPath(run), pos));
        }
        let mut parts = Vec::new();
        let mut kind = PathKind::Relative;
        let mut ends_with_slash = false;
        for part in node.children_with_tokens() {
            match part {
                rnix::NodeOrToken::Node(inner) => {
                    let expr = self.interpolated(&inner)?;
                    parts.push(Part::Expr(expr, self.builder.at(start(&inner))));
                    ends_with_slash = false;
                }
                rnix::NodeOrToken::Token(token) => {
                    let raw = token.text().as_bytes();
                    ends_with_slash = raw.ends_with(b"/");
                    if parts.is_empty() {
                        let (first_kind, text) = literal::path_literal(raw);
                        kind = first_kind;
                        parts.push(Part::Literal(self.builder.bytes(&text)));
                    } else {
                        parts.push(Part::Literal(self.builder.bytes(raw)));
                    }
                }
            }
        }
        if ends_with_slash {
            return Err(self.builder.error(
                usize::from(node.text_range().end()),
                "path has a trailing slash",
            ));
        }
        let expr = match parts[..] {
            [Part::Literal(run)] => Expr::Path(kind, run),
            _ => Expr::PathInterp(kind, self.builder.parts(&parts)),
        };
        Ok(self.builder.ast.push(expr, pos))
    }
}
