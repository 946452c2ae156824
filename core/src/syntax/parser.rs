//! Tokens to tree: recursive descent, with precedence climbing for operators. Depth costs native stack that grows on the
//! heap, so that no source can overflow it.

use super::ParseOptions;
use super::ast::{Ast, AttrName, BinaryOp, Expr, ExprId, Formal, Formals, Part};
use super::build::Builder;
use super::lexer::{Kind, Lexer, Token, kind_name};
use super::literal::IndentedPiece;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Pos, SourceFile};
use crate::symbol::{Interner, Symbol};

/// How deep expressions may nest.
pub const DEPTH_LIMIT: u32 = 200_000;

/// The native stack is looked at each time the depth passes a multiple of this; what so many levels need in between must
/// fit into [`STACK_RESERVE`], in a debug build too.
const STACK_CHECK_INTERVAL: u32 = 16;

/// Native stack that has to be left where it is looked at.
const STACK_RESERVE: usize = 256 * 1024;

/// How much native stack is added where it is not left.
const STACK_STEP: usize = 4 * 1024 * 1024;

/// Parses a source text.
pub fn parse(file: &SourceFile, interner: &mut Interner, options: &ParseOptions) -> Result<Ast> {
    let cur_pos = interner.intern(b"__curPos");
    let mut parser = Parser {
        lexer: Lexer::new(&file.text, options.pipe_operators),
        builder: Builder::new(file, interner),
        cur_pos,
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
    pub lexer: Lexer<'a>,
    pub builder: Builder<'a>,
    cur_pos: Symbol,
    base: u32,
    depth: u32,
    // Stacks of what is being collected: each construct takes off again what it has put on.
    exprs: Vec<ExprId>,
    pub parts: Vec<Part>,
    pub pieces: Vec<(IndentedPiece<ExprId>, usize)>,
    names: Vec<(AttrName, Pos)>,
    formals: Vec<Formal>,
}

/// How tight an operator binds and to which side it groups; see [`operator`].
#[derive(Clone, Copy)]
struct Operator {
    level: u8,
    group: Group,
    op: BinaryOp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Left,
    Right,
    /// `a == b == c` is an error.
    Never,
}

const LEVEL_NOT: u8 = 7;
const LEVEL_HAS_ATTR: u8 = 11;
const LEVEL_NEGATE: u8 = 12;

#[inline]
fn operator(kind: Kind) -> Option<Operator> {
    let (level, group, op) = match kind {
        Kind::Implies => (1, Group::Right, BinaryOp::Implies),
        Kind::OrOr => (2, Group::Left, BinaryOp::Or),
        Kind::And => (3, Group::Left, BinaryOp::And),
        Kind::Equal => (4, Group::Never, BinaryOp::Eq),
        Kind::NotEqual => (4, Group::Never, BinaryOp::NotEq),
        Kind::Less => (5, Group::Never, BinaryOp::Less),
        Kind::LessEqual => (5, Group::Never, BinaryOp::LessEq),
        Kind::Greater => (5, Group::Never, BinaryOp::Greater),
        Kind::GreaterEqual => (5, Group::Never, BinaryOp::GreaterEq),
        Kind::Update => (6, Group::Right, BinaryOp::Update),
        Kind::Plus => (8, Group::Left, BinaryOp::Add),
        Kind::Minus => (8, Group::Left, BinaryOp::Sub),
        Kind::Star => (9, Group::Left, BinaryOp::Mul),
        Kind::Slash => (9, Group::Left, BinaryOp::Div),
        Kind::Concat => (10, Group::Right, BinaryOp::Concat),
        _ => return None,
    };
    Some(Operator { level, group, op })
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
    pub fn kind(&self) -> Kind {
        self.lexer.token.kind
    }

    #[inline]
    pub fn at(&self, offset: usize) -> Pos {
        Pos(self.base + offset as u32)
    }

    /// Interns the text of a name.
    #[inline]
    pub fn symbol(&mut self, token: Token) -> Symbol {
        self.builder.interner.intern(self.lexer.text_of(token))
    }

    /// A parse error at byte `offset`.
    #[cold]
    pub fn error(&self, offset: usize, message: impl Into<String>) -> Error {
        self.builder.error(offset, message)
    }

    /// The error for the present token, where only `expecting` could stand.
    #[cold]
    pub fn unexpected(&self, expecting: &str) -> Error {
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
    pub fn unexpected_as(&self, name: &str, offset: usize, expecting: &str) -> Error {
        let mut message = format!("syntax error, unexpected {name}");
        if !expecting.is_empty() {
            message.push_str(", expecting ");
            message.push_str(expecting);
        }
        self.error(offset, message)
    }

    /// Passes a token of `kind`.
    #[inline]
    pub fn expect(&mut self, kind: Kind, expecting: &str) -> Result<()> {
        if self.kind() != kind {
            return Err(self.unexpected(expecting));
        }
        self.lexer.advance();
        Ok(())
    }

    /// Does `work` one level deeper.
    #[inline]
    fn deeper<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.depth += 1;
        let result = match self.depth % STACK_CHECK_INTERVAL {
            0 => self.with_stack(work),
            _ => work(self),
        };
        self.depth -= 1;
        result
    }

    #[cold]
    #[inline(never)]
    fn with_stack<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if self.depth >= DEPTH_LIMIT {
            let message = format!("expressions nest deeper than the limit of {DEPTH_LIMIT}");
            return Err(Error::new(ErrorKind::Limit, message).at(self.at(self.lexer.token.start)));
        }
        stacker::maybe_grow(STACK_RESERVE, STACK_STEP, || work(self))
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
    pub fn expr(&mut self) -> Result<ExprId> {
        self.deeper(Self::expr_here)
    }

    fn expr_here(&mut self) -> Result<ExprId> {
        let token = self.lexer.token;
        let pos = self.at(token.start);
        match token.kind {
            Kind::Name => match self.lexer.peek() {
                b':' => {
                    let param = Some(self.symbol(token));
                    self.lexer.advance();
                    self.lexer.advance();
                    let body = self.expr()?;
                    return Ok(self.builder.ast.push(Expr::Lambda { param, formals: None, body }, pos));
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
                return Ok(self.builder.ast.push(Expr::If { condition, then, otherwise }, pos));
            }
            _ => {}
        }
        let left = self.operation(1)?;
        self.pipes(left)
    }

    /// The rest of an expression that begins with the simple one `simple`.
    fn continue_simple(&mut self, simple: ExprId, start: usize) -> Result<ExprId> {
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
        Ok(self.builder.ast.push(Expr::Let { bindings, body }, self.at(start)))
    }

    /// `let { ...; body = ...; }`, from its brace on.
    fn old_let(&mut self, start: usize) -> Result<ExprId> {
        let pos = self.at(start);
        let base = self.recursive_set(start)?;
        let body = self.builder.interner.intern(b"body");
        let path = self.builder.path(&[(AttrName::Static(body), pos)]);
        Ok(self.builder.ast.push(Expr::Select { base, path, default: None }, pos))
    }

    /// The set of a `rec` or an old `let`, which begins at `start`, from its brace on.
    fn recursive_set(&mut self, start: usize) -> Result<ExprId> {
        self.expect(Kind::BraceOpen, "'{'")?;
        self.builder.open_set();
        self.bindings()?;
        self.finish_set(start, true, "'inherit' or '}'")
    }

    /// The end of a set that begins at `start`.
    fn finish_set(&mut self, start: usize, recursive: bool, expecting: &str) -> Result<ExprId> {
        if self.kind() != Kind::BraceClose {
            return Err(self.unexpected(expecting));
        }
        let attrs = self.builder.close_set(recursive)?;
        self.lexer.advance();
        Ok(self.builder.ast.push(Expr::Attrs(attrs), self.at(start)))
    }

    /// `name@{ a, b }: body`.
    fn named_formals(&mut self, name: Token) -> Result<ExprId> {
        let param = Some(self.symbol(name));
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
        self.lambda(name.start, param, mark, ellipsis)
    }

    /// What follows the brace at `start` where both a set and formals can stand.
    fn formals_or_set(&mut self, start: usize) -> Result<ExprId> {
        self.lexer.advance();
        let mark = self.formals.len();
        let first = self.lexer.token;
        match first.kind {
            Kind::BraceClose => {
                self.lexer.advance();
                if matches!(self.kind(), Kind::Colon | Kind::At) {
                    return self.lambda_from_formals(start, mark, false);
                }
                let empty = self.builder.ast.push(Expr::Attrs(Default::default()), self.at(start));
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
            param = Some(self.symbol(name));
            self.expect(Kind::Colon, "':'")?;
        } else {
            self.expect(Kind::Colon, "':' or '@'")?;
        }
        self.lambda(start, param, mark, ellipsis)
    }

    fn lambda(&mut self, start: usize, param: Option<Symbol>, mark: usize, ellipsis: bool) -> Result<ExprId> {
        let body = self.expr()?;
        let pos = self.at(start);
        self.builder.check_formals(&self.formals[mark..], param, pos)?;
        let list = self.builder.formals(&self.formals[mark..]);
        self.formals.truncate(mark);
        let formals = Some(Formals { list, ellipsis });
        Ok(self.builder.ast.push(Expr::Lambda { param, formals, body }, pos))
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
            let symbol = self.symbol(name);
            let mut default = None;
            if self.kind() == Kind::Question {
                self.lexer.advance();
                default = Some(self.expr()?);
            }
            self.formals.push(Formal { name: symbol, pos: self.at(name.start), default });
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

    /// `a |> f |> g` or `f <| g <| a`, whose first operand is `left`; most often `left` alone.
    #[inline]
    fn pipes(&mut self, left: ExprId) -> Result<ExprId> {
        match self.kind() {
            Kind::PipeInto | Kind::PipeFrom => self.pipe_chain(left),
            _ => Ok(left),
        }
    }

    #[cold]
    fn pipe_chain(&mut self, mut left: ExprId) -> Result<ExprId> {
        while self.kind() == Kind::PipeInto {
            let pos = self.at(self.lexer.token.start);
            self.lexer.advance();
            let function = self.operation(1)?;
            left = self.builder.call(function, &[left], pos);
            if self.kind() != Kind::PipeInto {
                return Ok(left);
            }
        }
        let mut functions = Vec::new();
        while self.kind() == Kind::PipeFrom {
            functions.push((left, self.at(self.lexer.token.start)));
            self.lexer.advance();
            left = self.operation(1)?;
        }
        for (function, pos) in functions.into_iter().rev() {
            left = self.builder.call(function, &[left], pos);
        }
        Ok(left)
    }

    /// Operands and operators that bind at least as tight as `level`.
    fn operation(&mut self, level: u8) -> Result<ExprId> {
        let start = self.lexer.token.start;
        let left = match self.kind() {
            Kind::Not => {
                self.lexer.advance();
                let inner = self.deeper(|parser| parser.operation(LEVEL_NOT + 1))?;
                let pos = self.builder.ast.pos(inner);
                self.builder.ast.push(Expr::Not(inner), pos)
            }
            Kind::Minus => {
                self.lexer.advance();
                let inner = self.deeper(|parser| parser.operation(LEVEL_NEGATE + 1))?;
                self.builder.ast.push(Expr::Negate(inner), self.at(start))
            }
            _ => {
                let simple = self.simple()?;
                let selected = self.select_from(simple, start)?;
                self.application_from(selected, start)?
            }
        };
        self.operation_from(left, start, level)
    }

    /// Operators that bind at least as tight as `level`, after the operand `left`.
    #[inline]
    fn operation_from(&mut self, mut left: ExprId, start: usize, level: u8) -> Result<ExprId> {
        loop {
            let token = self.lexer.token;
            let Some(operator) = operator(token.kind) else {
                if token.kind != Kind::Question || level > LEVEL_HAS_ATTR {
                    return Ok(left);
                }
                self.lexer.advance();
                let mark = self.names.len();
                self.attr_path()?;
                let path = self.builder.path(&self.names[mark..]);
                self.names.truncate(mark);
                let pos = self.builder.ast.pos(left);
                left = self.builder.ast.push(Expr::HasAttr { base: left, path }, pos);
                continue;
            };
            if operator.level < level {
                return Ok(left);
            }
            self.lexer.advance();
            let right_start = self.lexer.token.start;
            let right_level = operator.level + u8::from(operator.group != Group::Right);
            let right = self.deeper(|parser| parser.operation(right_level))?;
            let operands = [(left, self.at(start)), (right, self.at(right_start))];
            left = self.builder.binary(operator.op, operands, self.at(token.start));
            if operator.group == Group::Never
                && self::operator(self.kind()).is_some_and(|next| next.level == operator.level)
            {
                return Err(self.unexpected(""));
            }
        }
    }

    /// The arguments that follow the callee `callee`, if any do.
    #[inline]
    fn application_from(&mut self, callee: ExprId, start: usize) -> Result<ExprId> {
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
    fn select(&mut self) -> Result<ExprId> {
        let start = self.lexer.token.start;
        let simple = self.simple()?;
        self.select_from(simple, start)
    }

    /// `.a.b or e` after `base`, if it follows.
    #[inline]
    fn select_from(&mut self, base: ExprId, start: usize) -> Result<ExprId> {
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
                Ok(self.builder.ast.push(Expr::Select { base, path, default }, self.at(start)))
            }
            Kind::Or => {
                self.lexer.advance();
                let pos = self.at(start);
                Ok(self.builder.call_or(base, pos))
            }
            _ => Ok(base),
        }
    }

    fn simple(&mut self) -> Result<ExprId> {
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
            Kind::Uri => Expr::Str(self.builder.bytes(self.lexer.text_of(token))),
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

    /// Appends `a."b".${c}` to the names.
    fn attr_path(&mut self) -> Result<()> {
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
    fn bindings(&mut self) -> Result<()> {
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
    fn binding(&mut self, first: AttrName, start: usize) -> Result<()> {
        let rest_start = self.builder.components.len();
        while self.kind() == Kind::Dot {
            self.lexer.advance();
            let name = self.attr()?;
            self.builder.components.push(name);
        }
        let rest_len = self.builder.components.len() - rest_start;
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
