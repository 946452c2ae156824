//! The second opinion: parses with rnix and lowers its tree to ours. Slower than our own parser and bounded in depth, but
//! written by others against the same language, which is what makes comparing the two worth while.

use rnix::SyntaxKind::*;
use rnix::{Root, SyntaxKind, SyntaxNode, SyntaxToken};

use super::ast::{Ast, AttrName, BinaryOp, Expr, ExprId, Formal, Formals};
use super::build::{Builder, ParseMemory};
use super::parser::{PIPES_DISABLED, ParseOptions};
use super::stack::with_stack;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Pos, SourceFile};
use crate::symbol::{Interner, Symbol};

/// How deep expressions may nest for rnix.
const RNIX_DEPTH_LIMIT: usize = 512;

/// Native stack that rnix, and the dropping of its tree, may use for one token.
const STACK_PER_TOKEN: usize = 2048;

/// How many tokens a source may have, since each might nest: the stack they could need is 8 GiB, of which only what
/// they do need is ever touched.
const RNIX_TOKEN_LIMIT: usize = 1 << 22;

/// Parses a source text by way of rnix.
pub fn parse(file: &SourceFile, interner: &mut Interner, options: &ParseOptions) -> Result<Ast> {
    // Outside of literals and comments Nix is ASCII. With one byte for each byte that is not, offsets stay right and text
    // that is not UTF-8 needs no treatment of its own; what literals hold is taken from the file, never from rnix.
    // A lone carriage return ends a comment for Nix but not for rnix.
    let mask = |byte: &u8| match byte {
        b'\r' => '\n',
        0..0x80 => char::from(*byte),
        _ => '\u{1}',
    };
    let masked: String = file.text().iter().map(mask).collect();
    let tokens = count_tokens(masked.as_bytes());
    if tokens > RNIX_TOKEN_LIMIT {
        let message = format!("the source has more tokens than the limit of {RNIX_TOKEN_LIMIT}");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let need = tokens * STACK_PER_TOKEN;
    let mut work = || {
        let tree = Root::parse(&masked);
        if let Some(error) = tree.errors().first() {
            return Err(explain(error, file));
        }
        let mut memory = ParseMemory::default();
        let mut lowering = Lowering {
            builder: Builder::new(file, interner, &mut memory),
            options,
        };
        let root = tree.syntax();
        let Some(expr) = root.children().next() else {
            return Err(lowering
                .builder
                .error(file.len(), "syntax error, unexpected end of file"));
        };
        match lowering.expr(&expr) {
            Ok(root) => Ok(lowering.builder.finish(root)),
            Err(error) => Err(lowering.builder.earliest_error(error)),
        }
    };
    if need > 512 * 1024 {
        stacker::grow(need + 1024 * 1024, work)
    } else {
        work()
    }
}

/// An upper bound: tokens are separated by white space or are not words.
fn count_tokens(text: &[u8]) -> usize {
    let is_gap = |pair: &[u8]| pair[0].is_ascii_whitespace() && !pair[1].is_ascii_whitespace();
    let gaps = text.windows(2).filter(|pair| is_gap(pair)).count();
    gaps + text
        .iter()
        .filter(|byte| byte.is_ascii_punctuation())
        .count()
}

fn explain(error: &rnix::ParseError, file: &SourceFile) -> Error {
    use rnix::ParseError as E;
    let offset = match error {
        E::Unexpected(range)
        | E::UnexpectedExtra(range)
        | E::UnexpectedWanted(_, range, _)
        | E::UnexpectedDoubleBind(range)
        | E::DuplicatedArgs(range, _) => usize::from(range.start()),
        E::RecursionLimitExceeded => {
            let message = format!("expressions nest deeper than the limit of {RNIX_DEPTH_LIMIT}");
            return Error::new(ErrorKind::Limit, message);
        }
        _ => file.len(),
    };
    Error::new(ErrorKind::Parse, format!("syntax error, {error}")).at(file.pos(offset))
}

pub(super) struct Lowering<'a, 'o> {
    pub(super) builder: Builder<'a>,
    options: &'o ParseOptions,
}

pub(super) fn start(node: &SyntaxNode) -> usize {
    node.text_range().start().into()
}

pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.children_with_tokens()
        .filter_map(rnix::NodeOrToken::into_token)
        .filter(|token| !token.kind().is_trivia())
}

fn token(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    tokens(node).find(|token| token.kind() == kind)
}

pub(super) fn range(token: &SyntaxToken) -> std::ops::Range<usize> {
    token.text_range().into()
}

impl Lowering<'_, '_> {
    pub(super) fn child(&self, node: &SyntaxNode, index: usize) -> Result<SyntaxNode> {
        node.children()
            .nth(index)
            .ok_or_else(|| self.unexpected(node))
    }

    pub(super) fn unexpected(&self, node: &SyntaxNode) -> Error {
        self.builder
            .error(start(node), "syntax error, incomplete expression")
    }

    pub(super) fn expr(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        with_stack(|| self.expr_here(node))
    }

    /// An operand, argument or element: rnix takes lambdas there, Nix does not.
    fn operand(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        if node.kind() == NODE_LAMBDA {
            return Err(self
                .builder
                .error(start(node), "syntax error, unexpected function"));
        }
        self.expr(node)
    }

    fn expr_here(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let at = start(node);
        let pos = self.builder.at(at);
        match node.kind() {
            NODE_PAREN => {
                if token(node, TOKEN_R_PAREN).is_none() {
                    return Err(self.builder.error(
                        usize::from(node.text_range().end()),
                        "syntax error, expecting ')'",
                    ));
                }
                self.expr(&self.child(node, 0)?)
            }
            NODE_IDENT => {
                let name = self.ident(node)?;
                Ok(self.builder.ast.push(Expr::Var(name), pos))
            }
            NODE_CUR_POS => Ok(self.builder.ast.push(Expr::CurPos, pos)),
            NODE_LITERAL => self.literal(node),
            NODE_STRING => self.string(node),
            NODE_PATH_ABS | NODE_PATH_REL | NODE_PATH_HOME | NODE_PATH_SEARCH => self.path(node),
            NODE_APPLY => self.apply(node),
            NODE_SELECT => {
                let base = self.operand(&self.child(node, 0)?)?;
                let path = self.attr_path(&self.child(node, 1)?)?;
                let path = self.builder.path(&path);
                let default = match token(node, TOKEN_OR) {
                    Some(_) => Some(self.operand(&self.child(node, 2)?)?),
                    None => None,
                };
                Ok(self.builder.ast.push(
                    Expr::Select {
                        base,
                        path,
                        default,
                    },
                    pos,
                ))
            }
            NODE_HAS_ATTR => {
                let base = self.operand(&self.child(node, 0)?)?;
                let path = self.attr_path(&self.child(node, 1)?)?;
                let path = self.builder.path(&path);
                let pos = self.builder.ast.pos(base);
                Ok(self.builder.ast.push(Expr::HasAttr { base, path }, pos))
            }
            NODE_UNARY_OP => {
                let inner = self.operand(&self.child(node, 0)?)?;
                match token(node, TOKEN_INVERT) {
                    Some(_) => Ok(self
                        .builder
                        .ast
                        .push(Expr::Not(inner), self.builder.ast.pos(inner))),
                    None => Ok(self.builder.ast.push(Expr::Negate(inner), pos)),
                }
            }
            NODE_BIN_OP => self.binary(node),
            NODE_LAMBDA => self.lambda(node),
            NODE_LIST => {
                let mut elements = Vec::new();
                for element in node.children() {
                    elements.push(self.operand(&element)?);
                }
                let run = self.builder.ids(&elements);
                Ok(self.builder.ast.push(Expr::List(run), pos))
            }
            NODE_ATTR_SET => {
                let recursive = token(node, TOKEN_REC).is_some();
                let attrs = self.entries(node, recursive)?;
                Ok(self.builder.ast.push(Expr::Attrs(attrs), pos))
            }
            NODE_LEGACY_LET => {
                let attrs = self.entries(node, true)?;
                let base = self.builder.ast.push(Expr::Attrs(attrs), pos);
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
            NODE_LET_IN => {
                let bindings = self.entries(node, true)?;
                let body = node
                    .children()
                    .last()
                    .ok_or_else(|| self.unexpected(node))?;
                let body = self.expr(&body)?;
                if bindings.dynamic.len > 0 {
                    return Err(self
                        .builder
                        .error(at, "dynamic attributes not allowed in let"));
                }
                Ok(self.builder.ast.push(Expr::Let { bindings, body }, pos))
            }
            NODE_WITH => {
                let scope = self.expr(&self.child(node, 0)?)?;
                let body = self.expr(&self.child(node, 1)?)?;
                Ok(self.builder.ast.push(Expr::With { scope, body }, pos))
            }
            NODE_ASSERT => {
                let condition = self.expr(&self.child(node, 0)?)?;
                let body = self.expr(&self.child(node, 1)?)?;
                Ok(self.builder.ast.push(Expr::Assert { condition, body }, pos))
            }
            NODE_IF_ELSE => {
                let condition = self.expr(&self.child(node, 0)?)?;
                let then = self.expr(&self.child(node, 1)?)?;
                let otherwise = self.expr(&self.child(node, 2)?)?;
                Ok(self.builder.ast.push(
                    Expr::If {
                        condition,
                        then,
                        otherwise,
                    },
                    pos,
                ))
            }
            _ => Err(self.unexpected(node)),
        }
    }

    fn ident(&mut self, node: &SyntaxNode) -> Result<Symbol> {
        let token = tokens(node).next().ok_or_else(|| self.unexpected(node))?;
        Ok(self.builder.interner.intern(token.text().as_bytes()))
    }

    fn apply(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        // Walks down the chain of calls, so that `f a b c ...` neither recurses nor copies.
        let mut callee = node.clone();
        let mut arguments = Vec::new();
        while callee.kind() == NODE_APPLY {
            arguments.push(self.child(&callee, 1)?);
            callee = self.child(&callee, 0)?;
        }
        let mut function = self.operand(&callee)?;
        let pos = self.builder.at(start(node));
        // `e or` calls `e` with a variable named `or`, for the sake of old code. That call joins no other.
        if let Some(first) = arguments.last()
            && first.kind() == NODE_IDENT
            && first.text() == "or"
        {
            arguments.pop();
            function = self.builder.call_or(function, pos);
        }
        if arguments.is_empty() {
            return Ok(function);
        }
        let mut ids = Vec::with_capacity(arguments.len());
        for argument in arguments.iter().rev() {
            ids.push(self.operand(argument)?);
        }
        Ok(self.builder.call(function, &ids, pos))
    }

    fn attr(&mut self, node: &SyntaxNode) -> Result<(AttrName, Pos)> {
        let pos = self.builder.at(start(node));
        let name = match node.kind() {
            NODE_IDENT => AttrName::Static(self.ident(node)?),
            NODE_DYNAMIC => {
                let expr = self.interpolated(node)?;
                self.builder.attr_name(expr)
            }
            _ => {
                let expr = self.string(node)?;
                self.builder.attr_name(expr)
            }
        };
        Ok((name, pos))
    }

    fn attr_path(&mut self, node: &SyntaxNode) -> Result<Vec<(AttrName, Pos)>> {
        node.children().map(|attr| self.attr(&attr)).collect()
    }

    fn entries(&mut self, node: &SyntaxNode, recursive: bool) -> Result<super::ast::AttrsNode> {
        self.builder.open_set();
        for entry in node.children() {
            match entry.kind() {
                NODE_ATTRPATH_VALUE => {
                    let path = self.attr_path(&self.child(&entry, 0)?)?;
                    let rest_start = self.builder.memory.components.len();
                    self.builder
                        .memory
                        .components
                        .extend(path[1..].iter().map(|(name, _)| *name));
                    let value = self.expr(&self.child(&entry, 1)?)?;
                    let pos = self.builder.at(start(&entry));
                    self.builder
                        .bind(path[0].0, rest_start, path.len() - 1, pos, value);
                }
                NODE_INHERIT => self.inherit(&entry)?,
                _ => {}
            }
        }
        self.builder.close_set(recursive)
    }

    fn inherit(&mut self, node: &SyntaxNode) -> Result<()> {
        let mut source = None;
        let mut names = Vec::new();
        for child in node.children() {
            if child.kind() == NODE_INHERIT_FROM {
                source = Some(self.expr(&self.child(&child, 0)?)?);
                continue;
            }
            match self.attr(&child)? {
                (AttrName::Static(name), pos) => names.push((name, pos)),
                (AttrName::Dynamic(_), _) => {
                    return Err(self
                        .builder
                        .error(start(&child), "dynamic attributes not allowed in inherit"));
                }
            }
        }
        let source = source.map(|from| self.builder.inherit_source(from));
        for (name, pos) in names {
            match source {
                Some(from) => self.builder.inherit_from(from, name, pos),
                None => self.builder.inherit(name, pos),
            }
        }
        Ok(())
    }

    fn lambda(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let pos = self.builder.at(start(node));
        let head = self.child(node, 0)?;
        if head.kind() == NODE_IDENT_PARAM {
            let param = Some(self.ident(&self.child(&head, 0)?)?);
            let body = self.expr(&self.child(node, 1)?)?;
            return Ok(self.builder.ast.push(
                Expr::Lambda {
                    param,
                    formals: None,
                    body,
                },
                pos,
            ));
        }
        let mut param = None;
        let mut list = Vec::new();
        for child in head.children() {
            let ident = self.child(&child, 0)?;
            let name = self.ident(&ident)?;
            if child.kind() == NODE_PAT_BIND {
                param = Some(name);
                continue;
            }
            let default = match token(&child, TOKEN_QUESTION) {
                Some(_) => Some(self.expr(&self.child(&child, 1)?)?),
                None => None,
            };
            list.push(Formal {
                name,
                pos: self.builder.at(start(&ident)),
                default,
            });
        }
        let ellipsis = token(&head, TOKEN_ELLIPSIS).is_some();
        let body = self.expr(&self.child(node, 1)?)?;
        self.builder.check_formals(&list, param, pos)?;
        let formals = Some(Formals {
            list: self.builder.formals(&list),
            ellipsis,
        });
        Ok(self.builder.ast.push(
            Expr::Lambda {
                param,
                formals,
                body,
            },
            pos,
        ))
    }

    fn binary(&mut self, node: &SyntaxNode) -> Result<ExprId> {
        let token = tokens(node).next().ok_or_else(|| self.unexpected(node))?;
        let pos = self.builder.at(range(&token).start);
        let (left_node, right_node) = (self.child(node, 0)?, self.child(node, 1)?);
        if matches!(token.kind(), TOKEN_PIPE_LEFT | TOKEN_PIPE_RIGHT) {
            self.check_pipe(&token, [&left_node, &right_node])?;
        }
        let left = self.operand(&left_node)?;
        let right = self.operand(&right_node)?;
        let op = match token.kind() {
            TOKEN_PIPE_RIGHT => return Ok(self.builder.call(right, &[left], pos)),
            TOKEN_PIPE_LEFT => return Ok(self.builder.call(left, &[right], pos)),
            TOKEN_ADD => BinaryOp::Add,
            TOKEN_SUB => BinaryOp::Sub,
            TOKEN_MUL => BinaryOp::Mul,
            TOKEN_DIV => BinaryOp::Div,
            TOKEN_EQUAL => BinaryOp::Eq,
            TOKEN_NOT_EQUAL => BinaryOp::NotEq,
            TOKEN_LESS => BinaryOp::Less,
            TOKEN_LESS_OR_EQ => BinaryOp::LessEq,
            TOKEN_MORE => BinaryOp::Greater,
            TOKEN_MORE_OR_EQ => BinaryOp::GreaterEq,
            TOKEN_AND_AND => BinaryOp::And,
            TOKEN_OR_OR => BinaryOp::Or,
            TOKEN_IMPLICATION => BinaryOp::Implies,
            TOKEN_UPDATE => BinaryOp::Update,
            TOKEN_CONCAT => BinaryOp::Concat,
            _ => return Err(self.unexpected(node)),
        };
        let starts = [
            self.builder.at(start(&left_node)),
            self.builder.at(start(&right_node)),
        ];
        Ok(self
            .builder
            .binary(op, [(left, starts[0]), (right, starts[1])], pos))
    }

    fn check_pipe(&self, pipe: &SyntaxToken, sides: [&SyntaxNode; 2]) -> Result<()> {
        let at = range(pipe).start;
        if !self.options.pipe_operators {
            return Err(self.builder.error(at, PIPES_DISABLED));
        }
        let other = if pipe.kind() == TOKEN_PIPE_LEFT {
            TOKEN_PIPE_RIGHT
        } else {
            TOKEN_PIPE_LEFT
        };
        match sides
            .iter()
            .any(|side| side.kind() == NODE_BIN_OP && token(side, other).is_some())
        {
            true => Err(self
                .builder
                .error(at, format!("syntax error, unexpected '{}'", pipe.text()))),
            false => Ok(()),
        }
    }
}
