//! The part of the parser that reads functions with formals, and tells those from sets.

use super::ast::{AttrName, Expr, ExprId, Formal, Formals};
use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    /// `name@{ a, b }: body`.
    pub(super) fn named_formals(&mut self, name: Token) -> Result<ExprId> {
        self.lexer.advance();
        self.lexer.advance();
        self.expect(Kind::BraceOpen, "'{'")?;
        let mark = self.formals.len();
        let ellipsis = match self.kind() {
            Kind::BraceClose => false,
            _ => self.formals(None)?,
        };
        self.lexer.advance();
        self.expect(Kind::Colon, "':'")?;
        self.lambda(name.start, Some(name), mark, ellipsis)
    }

    /// What follows the brace at `start` where both a set and formals can stand.
    pub(super) fn formals_or_set(&mut self, start: usize) -> Result<ExprId> {
        self.lexer.advance();
        let mark = self.formals.len();
        let first = self.lexer.token;
        match first.kind {
            Kind::BraceClose => {
                self.lexer.advance();
                if matches!(self.kind(), Kind::Colon | Kind::At) {
                    return self.lambda_from_formals(start, mark, false);
                }
                let empty = self
                    .builder
                    .ast
                    .push(Expr::Attrs(Default::default()), self.at(start));
                return self.continue_simple(empty, start);
            }
            Kind::Ellipsis => {
                let ellipsis = self.formals(None)?;
                self.lexer.advance();
                return self.lambda_from_formals(start, mark, ellipsis);
            }
            Kind::Name => {
                self.lexer.advance();
                if matches!(self.kind(), Kind::Comma | Kind::Question | Kind::BraceClose) {
                    let ellipsis = self.formals(Some(first))?;
                    self.lexer.advance();
                    return self.lambda_from_formals(start, mark, ellipsis);
                }
                self.builder.open_set();
                let name = AttrName::Static(self.symbol(first));
                self.binding(name, first.start)?;
            }
            _ => self.builder.open_set(),
        }
        self.bindings()?;
        let set = self.finish_set(start, false, "'inherit'")?;
        self.continue_simple(set, start)
    }

    /// The lambda of the formals since `mark`, which begin at `start` and have just ended.
    fn lambda_from_formals(&mut self, start: usize, mark: usize, ellipsis: bool) -> Result<ExprId> {
        let mut param = None;
        if self.kind() == Kind::At {
            self.lexer.advance();
            let name = self.lexer.token;
            self.expect(Kind::Name, "identifier")?;
            param = Some(name);
            self.expect(Kind::Colon, "':'")?;
        } else {
            self.expect(Kind::Colon, "':' or '@'")?;
        }
        self.lambda(start, param, mark, ellipsis)
    }

    fn lambda(
        &mut self,
        start: usize,
        param: Option<Token>,
        mark: usize,
        ellipsis: bool,
    ) -> Result<ExprId> {
        let body = self.expr()?;
        let param = param.map(|name| self.symbol(name));
        let pos = self.at(start);
        self.builder
            .check_formals(&self.formals[mark..], param, pos)?;
        let list = self.builder.formals(&self.formals[mark..]);
        self.formals.truncate(mark);
        let formals = Some(Formals { list, ellipsis });
        Ok(self.builder.ast.push(
            Expr::Lambda {
                param,
                formals,
                body,
            },
            pos,
        ))
    }

    /// Formals up to their closing brace, on which it stays; whether there is an ellipsis. A first name may have been
    /// passed already.
    fn formals(&mut self, mut passed: Option<Token>) -> Result<bool> {
        loop {
            if passed.is_none() && self.kind() == Kind::Ellipsis {
                self.lexer.advance();
                return match self.kind() {
                    Kind::BraceClose => Ok(true),
                    _ => Err(self.unexpected("'}'")),
                };
            }
            let name = match passed.take() {
                Some(name) => name,
                None => {
                    let name = self.lexer.token;
                    self.expect(Kind::Name, "identifier or '...' or '}'")?;
                    name
                }
            };
            let mut default = None;
            if self.kind() == Kind::Question {
                self.lexer.advance();
                default = Some(self.expr()?);
            }
            // Behind its default: see the parameters of lambdas.
            let formal = Formal {
                name: self.symbol(name),
                pos: self.at(name.start),
                default,
            };
            self.formals.push(formal);
            match self.kind() {
                Kind::BraceClose => return Ok(false),
                Kind::Comma => self.lexer.advance(),
                _ => return Err(self.unexpected("'}' or ','")),
            }
            if self.kind() == Kind::BraceClose {
                return Ok(false);
            }
        }
    }
}
