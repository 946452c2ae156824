//! Tokens to tree: recursive descent, with precedence climbing for operators. Depth costs native stack that grows on the
//! heap, so that no source can overflow it.

use super::ast::{Ast, AttrName, Expr, ExprId, Formal, Part};
use super::build::{Builder, ParseMemory};
use super::lexer::{Kind, Lexer, Token, kind_name};
use super::literal::IndentedPiece;
use super::stack::with_stack;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Pos, SourceFile};
use crate::symbol::{Interner, Symbol};

/// How deep expressions may nest.
pub const DEPTH_LIMIT: u32 = 200_000;

/// The native stack is looked at each time the depth passes a multiple of this.
const STACK_CHECK_INTERVAL: u32 = 16;

/// What Nix says of pipes when they are not enabled.
pub(super) const PIPES_DISABLED: &str = "experimental Nix feature 'pipe-operators' is disabled; add \
                                         '--extra-experimental-features pipe-operators' to enable it";

/// What of the language is enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// `|>` and `<|`: Nix's experimental feature `pipe-operators`.
    pub pipe_operators: bool,
    /// What is said of absolute paths and of those from home on: `lint-absolute-path-literals`.
    pub absolute_paths: Lint,
    /// What is said of relative paths that do not begin with a dot: `lint-short-path-literals`.
    pub short_paths: Lint,
    /// What is said of URLs without quotes: `lint-url-literals`.
    pub urls: Lint,
}

/// What becomes of a literal that is permitted and yet discouraged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lint {
    /// Nothing.
    #[default]
    Ignore,
    /// It is warned of.
    Warn,
    /// It is an error.
    Fatal,
}

/// Parses a source text.
pub fn parse(
    file: &SourceFile,
    interner: &mut Interner,
    options: &ParseOptions,
    memory: &mut ParseMemory,
) -> Result<Ast> {
    let cur_pos = interner.intern(b"__curPos");
    let mut parser = Parser {
        lexer: Lexer::new(file.text(), options.pipe_operators),
        builder: Builder::new(file, interner, memory),
        cur_pos,
        options: *options,
        base: file.pos(0).0,
        depth: 0,
        exprs: Vec::new(),
        parts: Vec::new(),
        pieces: Vec::new(),
        names: Vec::new(),
        formals: Vec::new(),
    };
    match parser.source() {
        Ok(root) => Ok(parser.builder.finish(root)),
        Err(error) => Err(parser.builder.earliest_error(error)),
    }
}

pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) builder: Builder<'a>,
    cur_pos: Symbol,
    pub(super) options: ParseOptions,
    base: u32,
    depth: u32,
    // Stacks of what is being collected: each construct takes off again what it has put on.
    exprs: Vec<ExprId>,
    pub(super) parts: Vec<Part>,
    pub(super) pieces: Vec<(IndentedPiece<ExprId>, usize)>,
    pub(super) names: Vec<(AttrName, Pos)>,
    pub(super) formals: Vec<Formal>,
}

/// Whether an expression that can be an argument may begin with such a token.
#[inline]
fn begins_argument(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Name
            | Kind::Int
            | Kind::Float
            | Kind::Quote
            | Kind::IndentedOpen
            | Kind::Path
            | Kind::HomePath
            | Kind::SearchPath
            | Kind::Uri
            | Kind::ParenOpen
            | Kind::Let
            | Kind::Rec
            | Kind::BraceOpen
            | Kind::BracketOpen
    )
}

impl Parser<'_> {
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.lexer.token.kind
    }

    #[inline]
    pub(super) fn at(&self, offset: usize) -> Pos {
        Pos(self.base + offset as u32)
    }

    /// Interns the text of a name.
    #[inline]
    pub(super) fn symbol(&mut self, token: Token) -> Symbol {
        self.builder.interner.intern(self.lexer.text_of(token))
    }

    /// A parse error at byte `offset`.
    #[cold]
    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> Error {
        self.builder.error(offset, message)
    }

    /// The error for the present token, where only `expecting` could stand.
    #[cold]
    pub(super) fn unexpected(&self, expecting: &str) -> Error {
        let token = self.lexer.token;
        if let Some(failure) = &self.lexer.failure {
            return self.error(token.start, &**failure);
        }
        let name = kind_name(token.kind, self.lexer.text_of(token));
        let offset = match token.kind {
            Kind::End => self.lexer.path_at_end.unwrap_or(token.start),
            _ => token.start,
        };
        self.unexpected_as(&name, offset, expecting)
    }

    /// The error for `name` at byte `offset`, where only `expecting` could stand.
    #[cold]
    pub(super) fn unexpected_as(&self, name: &str, offset: usize, expecting: &str) -> Error {
        let mut message = format!("syntax error, unexpected {name}");
        if !expecting.is_empty() {
            message.push_str(", expecting ");
            message.push_str(expecting);
        }
        self.error(offset, message)
    }

    /// Passes a token of `kind`.
    #[inline]
    pub(super) fn expect(&mut self, kind: Kind, expecting: &str) -> Result<()> {
        if self.kind() != kind {
            return Err(self.unexpected(expecting));
        }
        self.lexer.advance();
        Ok(())
    }

    /// Does `work` one level deeper.
    #[inline]
    pub(super) fn deeper<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.depth += 1;
        let result = match self.depth % STACK_CHECK_INTERVAL {
            0 => self.deeper_with_stack(work),
            _ => work(self),
        };
        self.depth -= 1;
        result
    }

    #[cold]
    #[inline(never)]
    fn deeper_with_stack<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if self.depth >= DEPTH_LIMIT {
            let message = format!("expressions nest deeper than the limit of {DEPTH_LIMIT}");
            return Err(Error::new(ErrorKind::Limit, message).at(self.at(self.lexer.token.start)));
        }
        with_stack(|| work(self))
    }

    fn source(&mut self) -> Result<ExprId> {
        self.lexer.advance();
        let root = self.expr()?;
        match self.kind() {
            Kind::End => Ok(root),
            _ => Err(self.unexpected("end of file")),
        }
    }

    /// Any expression.
    pub(super) fn expr(&mut self) -> Result<ExprId> {
        self.deeper(Self::expr_here)
    }

    fn expr_here(&mut self) -> Result<ExprId> {
        let token = self.lexer.token;
        let pos = self.at(token.start);
        match token.kind {
            Kind::Name => match self.lexer.peek() {
                b':' => {
                    self.lexer.advance();
                    self.lexer.advance();
                    let body = self.expr()?;
                    // Names are known in the order in which Nix comes to know them, which shows: that of a parameter behind its body.
                    let param = Some(self.symbol(token));
                    return Ok(self.builder.ast.push(
                        Expr::Lambda {
                            param,
                            formals: None,
                            body,
                        },
                        pos,
                    ));
                }
                b'@' => return self.named_formals(token),
                _ => {}
            },
            Kind::BraceOpen => return self.formals_or_set(token.start),
            Kind::Let => {
                self.lexer.advance();
                if self.kind() == Kind::BraceOpen {
                    let set = self.old_let(token.start)?;
                    return self.continue_simple(set, token.start);
                }
                return self.let_in(token.start);
            }
            Kind::With => {
                self.lexer.advance();
                let scope = self.expr()?;
                self.expect(Kind::Semicolon, "';'")?;
                let body = self.expr()?;
                return Ok(self.builder.ast.push(Expr::With { scope, body }, pos));
            }
            Kind::Assert => {
                self.lexer.advance();
                let condition = self.expr()?;
                self.expect(Kind::Semicolon, "';'")?;
                let body = self.expr()?;
                return Ok(self.builder.ast.push(Expr::Assert { condition, body }, pos));
            }
            Kind::If => {
                self.lexer.advance();
                let condition = self.expr()?;
                self.expect(Kind::Then, "'then'")?;
                let then = self.expr()?;
                self.expect(Kind::Else, "'else'")?;
                let otherwise = self.expr()?;
                return Ok(self.builder.ast.push(
                    Expr::If {
                        condition,
                        then,
                        otherwise,
                    },
                    pos,
                ));
            }
            _ => {}
        }
        let left = self.operation(1)?;
        self.pipes(left)
    }

    /// The rest of an expression that begins with the simple one `simple`.
    pub(super) fn continue_simple(&mut self, simple: ExprId, start: usize) -> Result<ExprId> {
        let selected = self.select_from(simple, start)?;
        let called = self.application_from(selected, start)?;
        let left = self.operation_from(called, start, 1)?;
        self.pipes(left)
    }

    /// What follows `let`, up to the end of the body.
    fn let_in(&mut self, start: usize) -> Result<ExprId> {
        self.builder.open_set();
        self.bindings()?;
        if self.kind() != Kind::In {
            return Err(self.unexpected("'in' or 'inherit'"));
        }
        let bindings = self.builder.close_set(true)?;
        self.lexer.advance();
        let body = self.expr()?;
        if bindings.dynamic.len > 0 {
            return Err(self.error(start, "dynamic attributes not allowed in let"));
        }
        Ok(self
            .builder
            .ast
            .push(Expr::Let { bindings, body }, self.at(start)))
    }

    /// `let { ...; body = ...; }`, from its brace on.
    fn old_let(&mut self, start: usize) -> Result<ExprId> {
        let pos = self.at(start);
        let base = self.recursive_set(start)?;
        let body = self.builder.interner.intern(b"body");
        let path = self.builder.path(&[(AttrName::Static(body), pos)]);
        Ok(self.builder.ast.push(
            Expr::Select {
                base,
                path,
                default: None,
            },
            pos,
        ))
    }

    /// The arguments that follow the callee `callee`, if any do.
    #[inline]
    pub(super) fn application_from(&mut self, callee: ExprId, start: usize) -> Result<ExprId> {
        if !begins_argument(self.kind()) {
            return Ok(callee);
        }
        let mark = self.exprs.len();
        while begins_argument(self.kind()) {
            let argument = self.select()?;
            self.exprs.push(argument);
        }
        let pos = self.at(start);
        let call = self.builder.call(callee, &self.exprs[mark..], pos);
        self.exprs.truncate(mark);
        Ok(call)
    }

    /// An argument, a list element, or what follows `or`.
    pub(super) fn select(&mut self) -> Result<ExprId> {
        let start = self.lexer.token.start;
        let simple = self.simple()?;
        if self.kind() == Kind::Or {
            self.warn_of_or(start);
        }
        self.select_from(simple, start)
    }

    /// `.a.b or e` after `base`, if it follows.
    #[inline]
    pub(super) fn select_from(&mut self, base: ExprId, start: usize) -> Result<ExprId> {
        match self.kind() {
            Kind::Dot => {
                self.lexer.advance();
                let mark = self.names.len();
                self.attr_path()?;
                let path = self.builder.path(&self.names[mark..]);
                self.names.truncate(mark);
                let mut default = None;
                if self.kind() == Kind::Or {
                    self.lexer.advance();
                    default = Some(self.deeper(Self::select)?);
                }
                Ok(self.builder.ast.push(
                    Expr::Select {
                        base,
                        path,
                        default,
                    },
                    self.at(start),
                ))
            }
            Kind::Or => {
                self.lexer.advance();
                let pos = self.at(start);
                Ok(self.builder.call_or(base, pos))
            }
            _ => Ok(base),
        }
    }

    pub(super) fn simple(&mut self) -> Result<ExprId> {
        let token = self.lexer.token;
        let pos = self.at(token.start);
        let expr = match token.kind {
            Kind::Name => match self.symbol(token) {
                name if name == self.cur_pos => Expr::CurPos,
                name => Expr::Var(name),
            },
            Kind::Int => Expr::Int(self.lexer.int),
            Kind::Float => Expr::Float(self.lexer.float),
            Kind::Quote => return self.string(),
            Kind::IndentedOpen => return self.indented_string(),
            Kind::Path | Kind::HomePath => return self.path(),
            Kind::SearchPath => {
                let text = self.lexer.text_of(token);
                Expr::SearchPath(self.builder.bytes(&text[1..text.len() - 1]))
            }
            Kind::Uri => {
                self.lint_url(token)?;
                Expr::Str(self.builder.bytes(self.lexer.text_of(token)))
            }
            Kind::ParenOpen => {
                self.lexer.advance();
                let inner = self.expr()?;
                self.expect(Kind::ParenClose, "')'")?;
                return Ok(inner);
            }
            Kind::BracketOpen => return self.deeper(Self::list),
            Kind::BraceOpen => {
                self.lexer.advance();
                self.builder.open_set();
                self.bindings()?;
                return self.finish_set(token.start, false, "'inherit'");
            }
            Kind::Rec => {
                self.lexer.advance();
                return self.recursive_set(token.start);
            }
            Kind::Let => {
                self.lexer.advance();
                if self.kind() != Kind::BraceOpen {
                    return Err(self.unexpected("'{'"));
                }
                return self.old_let(token.start);
            }
            _ => return Err(self.unexpected("")),
        };
        self.lexer.advance();
        Ok(self.builder.ast.push(expr, pos))
    }

    fn list(&mut self) -> Result<ExprId> {
        let start = self.lexer.token.start;
        self.lexer.advance();
        let mark = self.exprs.len();
        while self.kind() != Kind::BracketClose {
            let element = self.select()?;
            self.exprs.push(element);
        }
        self.lexer.advance();
        let run = self.builder.ids(&self.exprs[mark..]);
        self.exprs.truncate(mark);
        Ok(self.builder.ast.push(Expr::List(run), self.at(start)))
    }
}
