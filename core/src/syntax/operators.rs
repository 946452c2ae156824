//! The part of the parser that reads operators, by precedence climbing. Chains that group to the left are read in a loop.

use super::ast::{BinaryOp, Expr, ExprId};
use super::lexer::Kind;
use super::parser::Parser;
use crate::error::Result;

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

impl Parser<'_> {
    /// `a |> f |> g` or `f <| g <| a`, whose first operand is `left`; most often `left` alone.
    #[inline]
    pub(super) fn pipes(&mut self, left: ExprId) -> Result<ExprId> {
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
    pub(super) fn operation(&mut self, level: u8) -> Result<ExprId> {
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
    pub(super) fn operation_from(
        &mut self,
        mut left: ExprId,
        start: usize,
        level: u8,
    ) -> Result<ExprId> {
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
                left = self
                    .builder
                    .ast
                    .push(Expr::HasAttr { base: left, path }, pos);
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
            left = self
                .builder
                .binary(operator.op, operands, self.at(token.start));
            if operator.group == Group::Never
                && self::operator(self.kind()).is_some_and(|next| next.level == operator.level)
            {
                return Err(self.unexpected(""));
            }
        }
    }
}
