//! Operators and assertions. Some operators are calls of a builtin in Nix, which a program can define itself: then it is its own that
//! is called.

use super::Compiler;
use crate::bytecode::{Constant, Instruction, Op, OperandOf, OperandUse};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{BinaryOp, Expr, ExprId};

/// See [`Compiler::told_position`].
const MAX_TOLD: usize = 100;

impl Compiler<'_> {
    pub(super) fn assertion(&mut self, condition: ExprId, pos: Pos) -> Result<()> {
        let mark = self.function().mark();
        let mut compared = None;
        let start = self.function().here();
        let test = match self.ast.expr(condition) {
            // The operands stay in their registers, to be told when they differ.
            Expr::Binary(BinaryOp::Eq, left, right) => {
                let first = self.function().allocate(3)?;
                self.value(left, first)?;
                if self.may_hold_thunk(left) {
                    let pos = self.ast.pos(left);
                    self.function().emit_abc(Op::Force, first, 0, 0, pos);
                }
                self.value(right, first + 1)?;
                let pos = self.ast.pos(condition);
                self.function()
                    .emit_abc(Op::Eq, first + 2, first, first + 1, pos);
                compared = Some(first);
                first + 2
            }
            _ => self.operand(condition)?,
        };
        self.function()
            .note_operand(start, OperandOf::Operator(OperandUse::Assert));
        let holds = self
            .function()
            .jump(Op::JumpIfTrue, test, OperandUse::Assert as u8, pos);
        let text = crate::syntax::show_expression(self.ast, self.interner, condition);
        let text = self.function().code().constant(&Constant::String(&text));
        let mut failed = Instruction::aw(Op::AssertFailed, compared.unwrap_or_default(), text);
        failed.x = u8::from(compared.is_some());
        self.function().emit(failed, pos);
        self.function().land(holds);
        self.function().release(mark);
        Ok(())
    }

    pub(super) fn negate(&mut self, inner: ExprId, dst: u16, pos: Pos) -> Result<()> {
        let sub = self.names.sub;
        if self.work.scopes.find(sub).is_some() {
            let base = self.function().allocate(3)?;
            self.variable(sub, base, pos)?;
            self.function()
                .emit_constant(base + 1, Constant::Int(0), pos);
            self.delay(inner, base + 2, None)?;
            self.function().emit_abc(Op::Call, dst, base, 2, pos);
            return Ok(());
        }
        let start = self.function().here();
        let operand = self.operand(inner)?;
        self.function()
            .note_operand(start, OperandOf::Operator(OperandUse::Sub));
        self.function().emit_abc(Op::Negate, dst, operand, 0, pos);
        Ok(())
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: ExprId,
        right: ExprId,
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        let less = self.names.less_than;
        let (function, swapped) = match op {
            BinaryOp::Sub => (Some(self.names.sub), false),
            BinaryOp::Mul => (Some(self.names.mul), false),
            BinaryOp::Div => (Some(self.names.div), false),
            BinaryOp::Less | BinaryOp::GreaterEq => (Some(less), false),
            BinaryOp::Greater | BinaryOp::LessEq => (Some(less), true),
            _ => (None, false),
        };
        let (left, right) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        if let Some(function) = function
            && self.work.scopes.find(function).is_some()
        {
            self.operator_call(function, [left, right], dst, pos)?;
            if matches!(op, BinaryOp::LessEq | BinaryOp::GreaterEq) {
                self.function().emit_abc(Op::Not, dst, dst, 0, pos);
            }
            return Ok(());
        }
        let op = match op {
            BinaryOp::And => {
                return self.shortcut(
                    [left, right],
                    Op::JumpIfFalse,
                    [OperandUse::AndLeft, OperandUse::AndRight],
                    dst,
                    pos,
                );
            }
            BinaryOp::Or => {
                return self.shortcut(
                    [left, right],
                    Op::JumpIfTrue,
                    [OperandUse::OrLeft, OperandUse::OrRight],
                    dst,
                    pos,
                );
            }
            BinaryOp::Implies => return self.implication(left, right, dst, pos),
            BinaryOp::Add => Op::Add,
            BinaryOp::Sub => Op::Sub,
            BinaryOp::Mul => Op::Mul,
            BinaryOp::Div => Op::Div,
            BinaryOp::Eq => Op::Eq,
            BinaryOp::NotEq => Op::NotEq,
            BinaryOp::Less | BinaryOp::Greater => Op::Less,
            BinaryOp::LessEq | BinaryOp::GreaterEq => Op::NotLess,
            BinaryOp::Update => Op::Update,
            BinaryOp::Concat => Op::Concat,
        };
        if !self.with_constant(op, left, right, dst, pos)? {
            let (a, b) = match op {
                Op::Update => {
                    // Nix begins with the right one here.
                    let check = (!matches!(
                        self.ast.expr(right),
                        Expr::Attrs(_) | Expr::Binary(BinaryOp::Update, ..)
                    ))
                    .then_some((Op::CheckUpdate, pos));
                    let of = [
                        self.update_operand(right, OperandUse::UpdateRight),
                        self.update_operand(left, OperandUse::UpdateLeft),
                    ];
                    let (b, a) = self.operands(right, left, dst, check, of)?;
                    (a, b)
                }
                Op::Add => {
                    let check = (!self.is_sum(left))
                        .then(|| (Op::CheckAddend, self.ast.operand_start(left)));
                    self.operands(left, right, dst, check, [None; 2])?
                }
                op => self.operands(left, right, dst, None, [arithmetic(op); 2])?,
            };
            self.function().emit_abc(op, dst, a, b, pos);
        }
        if op == Op::Add {
            let starts = [left, right].map(|operand| self.ast.operand_start(operand));
            self.function().note_parts(starts.into_iter());
        }
        Ok(())
    }

    /// What an operand of `//` is told of. A `//` within it is told of its own operands alone.
    fn update_operand(&self, id: ExprId, usage: OperandUse) -> Option<OperandOf> {
        match self.ast.expr(id) {
            Expr::Attrs(node) if node.dynamic.len == 0 => None,
            Expr::Binary(BinaryOp::Update, ..) => None,
            _ => Some(OperandOf::Placed(usage, self.told_position(id))),
        }
    }

    /// Where Nix says that an expression stands: of some it keeps no position, others stand where their first operand does. What nests deeper
    /// than anybody writes stands where it begins: each level of it asks.
    pub(super) fn told_position(&self, mut id: ExprId) -> Pos {
        for _ in 0..MAX_TOLD {
            id = match self.ast.expr(id) {
                Expr::Int(_)
                | Expr::Float(_)
                | Expr::Str(_)
                | Expr::Path(..)
                | Expr::Let { .. } => {
                    return Pos::NONE;
                }
                Expr::List(items) => match self.ast.ids[items.range()].first() {
                    Some(first) => *first,
                    None => return Pos::NONE,
                },
                Expr::Not(inner) | Expr::HasAttr { base: inner, .. } => inner,
                _ => return self.ast.pos(id),
            };
        }
        self.ast.pos(id)
    }

    /// Whether an expression, if it has a value at all, has one that something can be added to.
    fn is_sum(&self, id: ExprId) -> bool {
        matches!(
            self.ast.expr(id),
            Expr::Int(_)
                | Expr::Float(_)
                | Expr::Str(_)
                | Expr::StrInterp(_)
                | Expr::Path(..)
                | Expr::PathInterp(..)
                | Expr::Binary(BinaryOp::Add, ..)
        )
    }

    /// A call of a global or shadowed function with operands that are at hand in registers.
    fn operator_call(&mut self, name: Symbol, args: [ExprId; 2], dst: u16, pos: Pos) -> Result<()> {
        let base = self.function().allocate(3)?;
        self.variable(name, base, pos)?;
        for (index, arg) in args.into_iter().enumerate() {
            self.delay(arg, base + 1 + index as u16, None)?;
        }
        self.function().emit_abc(Op::Call, dst, base, 2, pos);
        Ok(())
    }

    /// Emits an operation one of whose operands is a constant, if there is an instruction for that.
    fn with_constant(
        &mut self,
        op: Op,
        left: ExprId,
        right: ExprId,
        dst: u16,
        pos: Pos,
    ) -> Result<bool> {
        // The instruction, its register operand, its number, and whether that stands on the left.
        let (op, operand, number, swapped) = match (op, self.small(left), self.small(right)) {
            (Op::Add, None, Some(number)) => (Op::AddInt, left, number, false),
            (Op::Add, Some(number), None) => (Op::AddInt, right, number, true),
            (Op::Sub, None, Some(number)) => (Op::SubInt, left, number, false),
            (Op::Less, None, Some(number)) => (Op::LessInt, left, number, false),
            (Op::Less, Some(number), None) => (Op::LessInt, right, number, true),
            (Op::NotLess, None, Some(number)) => (Op::NotLessInt, left, number, false),
            (Op::NotLess, Some(number), None) => (Op::NotLessInt, right, number, true),
            (Op::Eq | Op::NotEq, ..) => {
                let (constant, operand) = match (
                    self.comparable_constant(left),
                    self.comparable_constant(right),
                ) {
                    (_, Some(constant)) => (constant, left),
                    (Some(constant), None) => (constant, right),
                    _ => return Ok(false),
                };
                let index = self.function().code().constant(&constant);
                let Ok(index) = u16::try_from(index) else {
                    return Ok(false);
                };
                let register = self.operand(operand)?;
                let mut instruction = Instruction::abc(Op::EqConst, dst, register, index);
                instruction.x = u8::from(op == Op::NotEq);
                self.function().emit(instruction, pos);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let start = self.function().here();
        let register = self.operand(operand)?;
        if let Some(of) = arithmetic(op) {
            self.function().note_operand(start, of);
        }
        let mut instruction = Instruction::abc(op, dst, register, number as u16);
        instruction.x = u8::from(swapped);
        self.function().emit(instruction, pos);
        Ok(true)
    }

    /// `a && b`, `a || b`: the value of `a` where it decides, else that of `b`, which must be a bool too.
    fn shortcut(
        &mut self,
        operands: [ExprId; 2],
        jump: Op,
        usage: [OperandUse; 2],
        dst: u16,
        pos: Pos,
    ) -> Result<()> {
        self.bool_operand(operands[0], dst, usage[0])?;
        let decided = self.function().jump(jump, dst, usage[0] as u8, pos);
        self.bool_operand(operands[1], dst, usage[1])?;
        self.check_bool(dst, usage[1], pos);
        self.function().land(decided);
        Ok(())
    }

    fn implication(&mut self, left: ExprId, right: ExprId, dst: u16, pos: Pos) -> Result<()> {
        self.bool_operand(left, dst, OperandUse::ImpliesLeft)?;
        let holds = self
            .function()
            .jump(Op::JumpIfFalse, dst, OperandUse::ImpliesLeft as u8, pos);
        self.bool_operand(right, dst, OperandUse::ImpliesRight)?;
        self.check_bool(dst, OperandUse::ImpliesRight, pos);
        let to_end = self.function().jump(Op::Jump, 0, 0, pos);
        self.function().land(holds);
        self.function()
            .emit_constant(dst, Constant::Bool(true), pos);
        self.function().land(to_end);
        Ok(())
    }

    fn bool_operand(&mut self, id: ExprId, dst: u16, usage: OperandUse) -> Result<()> {
        let start = self.function().here();
        self.value(id, dst)?;
        self.function()
            .note_operand(start, OperandOf::Operator(usage));
        Ok(())
    }

    fn check_bool(&mut self, register: u16, usage: OperandUse, pos: Pos) {
        let mut check = Instruction::abc(Op::CheckBool, register, 0, 0);
        check.x = usage as u8;
        self.function().emit(check, pos);
    }
}

/// What the operands of an arithmetic operator are told of.
fn arithmetic(op: Op) -> Option<OperandOf> {
    let usage = match op {
        Op::Sub | Op::SubInt => OperandUse::Sub,
        Op::Mul => OperandUse::Mul,
        Op::Div => OperandUse::Div,
        Op::Less | Op::NotLess | Op::LessInt | Op::NotLessInt => OperandUse::Less,
        _ => return None,
    };
    Some(OperandOf::Operator(usage))
}
