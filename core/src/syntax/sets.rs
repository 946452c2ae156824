//! The part of the parser that reads sets, bindings and attribute paths.

use super::ast::{AttrName, Expr, ExprId};
use super::lexer::Kind;
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    /// The set of a `rec` or an old `let`, which begins at `start`, from its brace on.
    pub(super) fn recursive_set(&mut self, start: usize) -> Result<ExprId> {
        self.expect(Kind::BraceOpen, "'{'")?;
        self.builder.open_set();
        self.bindings()?;
        self.finish_set(start, true, "'inherit' or '}'")
    }

    /// The end of a set that begins at `start`.
    pub(super) fn finish_set(
        &mut self,
        start: usize,
        recursive: bool,
        expecting: &str,
    ) -> Result<ExprId> {
        if self.kind() != Kind::BraceClose {
            return Err(self.unexpected(expecting));
        }
        let attrs = self.builder.close_set(recursive)?;
        self.lexer.advance();
        Ok(self.builder.ast.push(Expr::Attrs(attrs), self.at(start)))
    }

    /// Appends `a."b".${c}` to the names.
    pub(super) fn attr_path(&mut self) -> Result<()> {
        loop {
            let pos = self.at(self.lexer.token.start);
            let name = self.attr()?;
            self.names.push((name, pos));
            if self.kind() != Kind::Dot {
                return Ok(());
            }
            self.lexer.advance();
        }
    }

    /// One component of an attribute path.
    fn attr(&mut self) -> Result<AttrName> {
        let token = self.lexer.token;
        match token.kind {
            Kind::Name | Kind::Or => {
                let name = self.symbol(token);
                self.lexer.advance();
                Ok(AttrName::Static(name))
            }
            Kind::Quote => self.string_attr(),
            Kind::Interpolation => {
                self.lexer.advance();
                let inner = self.expr()?;
                self.expect(Kind::BraceClose, "'}'")?;
                Ok(self.builder.attr_name(inner))
            }
            _ => Err(self.unexpected("identifier or 'or' or '${' or '\"'")),
        }
    }

    /// The bindings of the innermost open set, up to what is no binding.
    pub(super) fn bindings(&mut self) -> Result<()> {
        loop {
            match self.kind() {
                Kind::Name | Kind::Or | Kind::Quote | Kind::Interpolation => {
                    let start = self.lexer.token.start;
                    let first = self.attr()?;
                    self.binding(first, start)?;
                }
                Kind::Inherit => self.inherit()?,
                _ => return Ok(()),
            }
        }
    }

    /// A binding whose path begins at `start` with `first`, which has been passed.
    pub(super) fn binding(&mut self, first: AttrName, start: usize) -> Result<()> {
        let rest_start = self.builder.memory.components.len();
        while self.kind() == Kind::Dot {
            self.lexer.advance();
            let name = self.attr()?;
            self.builder.memory.components.push(name);
        }
        let rest_len = self.builder.memory.components.len() - rest_start;
        self.expect(Kind::Assign, "'.' or '='")?;
        let value = self.expr()?;
        if self.kind() != Kind::Semicolon {
            return Err(self.unexpected("';'"));
        }
        let pos = self.at(start);
        self.builder.bind(first, rest_start, rest_len, pos, value);
        self.lexer.advance();
        Ok(())
    }

    /// `inherit a b;` or `inherit (e) a b;`.
    fn inherit(&mut self) -> Result<()> {
        self.lexer.advance();
        let mut source = None;
        if self.kind() == Kind::ParenOpen {
            self.lexer.advance();
            source = Some(self.expr()?);
            self.expect(Kind::ParenClose, "')'")?;
        }
        let mark = self.names.len();
        loop {
            let start = self.lexer.token.start;
            let name = match self.kind() {
                Kind::Semicolon => break,
                Kind::Name | Kind::Or | Kind::Quote | Kind::Interpolation => self.attr()?,
                _ => return Err(self.unexpected("")),
            };
            if let AttrName::Dynamic(_) = name {
                return Err(self.error(start, "dynamic attributes not allowed in inherit"));
            }
            let pos = self.at(start);
            self.names.push((name, pos));
        }
        let source = source.map(|from| self.builder.inherit_source(from));
        for index in mark..self.names.len() {
            if let (AttrName::Static(name), pos) = self.names[index] {
                match source {
                    Some(from) => self.builder.inherit_from(from, name, pos),
                    None => self.builder.inherit(name, pos),
                }
            }
        }
        self.names.truncate(mark);
        self.lexer.advance();
        Ok(())
    }
}
