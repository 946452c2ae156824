//! Literals that are permitted and yet discouraged: the lints of Nix's parser.

use super::ast::Warning;
use super::lexer::Token;
use super::parser::{Lint, Parser};
use crate::error::Result;

impl Parser<'_> {
    /// Looks at the path, or the beginning of one, that is `token`.
    #[inline]
    pub(super) fn lint_path(&mut self, token: Token) -> Result<()> {
        if self.options.absolute_paths == Lint::Ignore && self.options.short_paths == Lint::Ignore {
            return Ok(());
        }
        self.lint_path_literal(token)
    }

    #[cold]
    fn lint_path_literal(&mut self, token: Token) -> Result<()> {
        let raw = self.lexer.text_of(token);
        let literal = String::from_utf8_lossy(raw);
        let (lint, message) = match raw {
            [start @ (b'/' | b'~'), ..] => {
                let kind = if *start == b'/' { "absolute" } else { "home" };
                let message = format!(
                    "{kind} path literals are not portable. Consider replacing path literal '{literal}' by a string, relative \
                     path, or parameter (lint-absolute-path-literals)"
                );
                (self.options.absolute_paths, message)
            }
            [b'.', ..] => return Ok(()),
            _ => {
                let message = format!(
                    "relative path literal '{literal}' should be prefixed with '.' for clarity: './{literal}' \
                     (lint-short-path-literals)"
                );
                (self.options.short_paths, message)
            }
        };
        self.lint(lint, token, message)
    }

    /// Looks at the URL that is `token`.
    #[inline]
    pub(super) fn lint_url(&mut self, token: Token) -> Result<()> {
        match self.options.urls {
            Lint::Ignore => Ok(()),
            lint => self.lint_url_literal(lint, token),
        }
    }

    #[cold]
    fn lint_url_literal(&mut self, lint: Lint, token: Token) -> Result<()> {
        let literal = String::from_utf8_lossy(self.lexer.text_of(token));
        let state = match lint {
            Lint::Fatal => "disallowed",
            Lint::Ignore | Lint::Warn => "discouraged",
        };
        let message = format!(
            "URL literals are {state}. Consider using a string literal \"{literal}\" instead (lint-url-literals)"
        );
        self.lint(lint, token, message)
    }

    /// Looks at `callee or`, which begins at `start` and ends with the token at hand, and is not an expression of its own.
    #[cold]
    pub(super) fn warn_of_or(&mut self, start: usize) {
        let source = &self.lexer.text[start..self.lexer.token.end];
        let message = format!(
            "This expression uses `or` as an identifier in a way that will change in a future Nix release.\n\
             Wrap this entire expression in parentheses to preserve its current meaning:\n    ({})\n\
             Give feedback at https://github.com/NixOS/nix/pull/11121",
            String::from_utf8_lossy(source)
        );
        let warning = Warning::Or(self.at(start), message);
        self.builder.ast.warnings.push(warning);
    }

    fn lint(&mut self, lint: Lint, token: Token, message: String) -> Result<()> {
        match lint {
            Lint::Ignore => {}
            Lint::Warn => {
                let pos = self.at(token.start);
                let warning = Warning::Literal(pos, message);
                self.builder.ast.warnings.push(warning);
            }
            Lint::Fatal => return Err(self.error(token.start, message)),
        }
        Ok(())
    }
}
