//! What can be had for nothing: constants, and what is there already when the code runs. It is not worth a thunk. Where thunks can be seen
//! (`Environment::keep_thunks`) less of it counts as that.

use super::Compiler;
use super::function::Pending;
use super::scope::Place;
use crate::bytecode::{Constant, Op};
use crate::error::Result;
use crate::source::Pos;
use crate::syntax::ast::{AttrName, BinaryOp, Expr, ExprId, PathKind, Run};

/// Sets and lists of at most so many members, all at hand, are built at once instead of being delayed.
const MAX_EAGER: usize = 8;
/// Of those that are passed to functions, so many members may have to be delayed.
const MAX_DELAYED: usize = 3;
/// Arithmetic of literals is done here where it is nested at most so deep: each level of a longer chain would look at all below it.
pub(super) const FOLDED: usize = 3;
/// Lists of constants are constants where they are nested at most so deep, for the same reason.
pub(super) const NESTED: usize = 3;

impl<'a> Compiler<'a> {
    /// Emits code that has the value at once where everything it needs turns out to be there when it runs: a selection from an
    /// evaluated set that has the attribute, a sum of small integers. Neither can fail or take time then, so nobody can tell it
    /// from a thunk; where something is missing, the instruction that makes the thunk comes next. Answers a jump behind that.
    pub(super) fn try_at_hand(
        &mut self,
        id: ExprId,
        dst: u16,
        pos: Pos,
    ) -> Result<Option<Pending>> {
        let mark = self.function().mark();
        let done = match self.ast.expr(id) {
            Expr::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), left, right)
                if self.is_atom(left)
                    && self.is_atom(right)
                    && self.work.scopes.find(self.names.sub).is_none() =>
            {
                let constant = match (op, self.small(left), self.small(right)) {
                    (BinaryOp::Add, Some(number), None) => Some((right, number)),
                    (BinaryOp::Add, None, Some(number)) => Some((left, number)),
                    (_, None, Some(number)) => number.checked_neg().map(|number| (left, number)),
                    _ => None,
                };
                if let Some((operand, number)) = constant {
                    let register = self.operand(operand)?;
                    self.function()
                        .emit_abc(Op::AddIntAtHand, dst, register, number as u16, pos);
                } else {
                    let (a, b) = (self.operand(left)?, self.operand(right)?);
                    let op = if op == BinaryOp::Add {
                        Op::AddAtHand
                    } else {
                        Op::SubAtHand
                    };
                    self.function().emit_abc(op, dst, a, b, pos);
                }
                None
            }
            Expr::InheritFrom { from, name } => {
                let (level, first) = *self
                    .from
                    .last()
                    .expect("an inherited attribute stands in a set");
                let source = self.local(level, Place::Register(first + from as u16), pos)?;
                let site = self.function().select(name)?;
                self.function()
                    .emit_abc(Op::SelectAtHand, dst, source, site, pos);
                None
            }
            Expr::Select {
                base,
                path,
                default: None,
            } if self.is_atom(base) => {
                let names = self.path_names(path);
                if (names.iter()).any(|name| matches!(name, AttrName::Dynamic(_))) {
                    self.function().release(mark);
                    return Ok(None);
                }
                let symbols = names.iter().filter_map(|name| match name {
                    AttrName::Static(name) => Some(*name),
                    AttrName::Dynamic(_) => None,
                });
                let mut set = self.operand(base)?;
                let mut missing = Vec::new();
                let last = names.len() - 1;
                for (index, name) in symbols.enumerate() {
                    let target = if index == last {
                        dst
                    } else {
                        self.function().allocate(1)?
                    };
                    let site = self.function().select(name)?;
                    self.function()
                        .emit_abc(Op::SelectAtHand, target, set, site, pos);
                    if last > 0 {
                        missing.push(self.function().jump(Op::Jump, 0, 0, pos));
                    }
                    set = target;
                }
                if last == 0 {
                    None
                } else {
                    let done = self.function().jump(Op::Jump, 0, 0, pos);
                    for jump in missing {
                        self.function().land(jump);
                    }
                    Some(done)
                }
            }
            _ => None,
        };
        self.function().release(mark);
        Ok(done)
    }

    /// Whether evaluating costs nothing, cannot fail and asks nobody: then it is not worth a thunk.
    pub(super) fn is_at_hand(&self, id: ExprId) -> bool {
        match self.ast.expr(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => true,
            Expr::Negate(_) | Expr::Binary(..) => self.constant_of(id).is_some(),
            Expr::Path(kind, _) => kind != PathKind::Home,
            Expr::Var(name) => match self.work.scopes.find(name) {
                Some((_, place)) => matches!(place, Place::Register(_)),
                None => self.environment.global(name).is_some(),
            },
            Expr::List(items) if self.environment.keep_thunks => items.len == 0,
            Expr::Attrs(_) if self.environment.keep_thunks => false,
            Expr::List(_) | Expr::Attrs(_) => self.is_small(id, 0, |member| self.is_atom(member)),
            _ => false,
        }
    }

    /// Whether a set or a list that is passed to a function is built at once although not all of its members are at hand: it has few,
    /// and hardly any that has to be delayed. Where the function looks at it, a thunk of the whole would take more time and memory than
    /// its members do; where it does not, little is lost.
    pub(super) fn is_built_at_once(&self, id: ExprId) -> bool {
        let instant = |member| match self.ast.expr(member) {
            Expr::Lambda { .. } => true,
            Expr::Select {
                base,
                default: None,
                ..
            } => self.is_atom(base),
            _ => self.is_atom(member),
        };
        !self.environment.keep_thunks && self.is_small(id, MAX_DELAYED, instant)
    }

    /// Whether `id` is a list or a set of few members, all but at most `others` of which `counts` is true of.
    fn is_small(&self, id: ExprId, others: usize, counts: impl Fn(ExprId) -> bool) -> bool {
        match self.ast.expr(id) {
            Expr::List(items) => {
                let items = &self.ast.ids[items.range()];
                items.len() <= MAX_EAGER
                    && items.iter().filter(|item| !counts(**item)).count() <= others
            }
            Expr::Attrs(node) => {
                let bindings = &self.ast.bindings[node.bindings.range()];
                !node.recursive
                    && node.dynamic.len == 0
                    && node.inherit_from.len == 0
                    && bindings.len() <= MAX_EAGER
                    && bindings
                        .iter()
                        .filter(|binding| !counts(binding.value))
                        .count()
                        <= others
            }
            _ => false,
        }
    }

    fn is_atom(&self, id: ExprId) -> bool {
        !matches!(self.ast.expr(id), Expr::List(_) | Expr::Attrs(_)) && self.is_at_hand(id)
    }

    /// The constant that `id` is, if it needs no evaluation at all.
    pub(super) fn constant_of(&self, id: ExprId) -> Option<Constant<'a>> {
        match self.ast.expr(id) {
            Expr::Int(value) => Some(Constant::Int(value)),
            Expr::Float(value) => Some(Constant::Float(value)),
            Expr::Str(text) => Some(Constant::String(self.ast.text(text))),
            Expr::Var(name) if self.work.scopes.find(name).is_none() => {
                self.environment.global(name).map(Constant::Global)
            }
            // Nix makes a thunk of it, which must be there if it can be seen.
            Expr::Negate(_) | Expr::Binary(..) if !self.environment.keep_thunks => {
                self.folded(id, FOLDED).map(Constant::Int)
            }
            Expr::List(items) if items.len == 0 => Some(Constant::List(&[])),
            _ => None,
        }
    }

    /// Appends the members of a list, if they are constants and short lists of constants, nested at most `levels` deep: nobody can
    /// tell whether such a list is built once or each time.
    pub(super) fn constants(&self, items: Run, levels: usize, out: &mut Vec<u8>) -> bool {
        self.ast.ids[items.range()].iter().all(|item| {
            if let Some(constant) = self.constant_of(*item) {
                constant.write(out);
                return true;
            }
            match self.ast.expr(*item) {
                // A longer one within is delayed, which messages show.
                Expr::List(items) if levels > 0 && items.len as usize <= MAX_EAGER => {
                    let mut members = Vec::new();
                    let constant = self.constants(items, levels - 1, &mut members);
                    Constant::List(&members).write(out);
                    constant
                }
                _ => false,
            }
        })
    }

    /// The integer that arithmetic of literals comes to, nested at most `levels` deep; nothing where it fails, or where the program
    /// has operators of its own.
    pub(super) fn folded(&self, id: ExprId, levels: usize) -> Option<i64> {
        let own = |function| self.work.scopes.find(function).is_some();
        let of = |operand| self.folded(operand, levels.checked_sub(1)?);
        match self.ast.expr(id) {
            Expr::Int(value) => Some(value),
            Expr::Negate(inner) if !own(self.names.sub) => of(inner)?.checked_neg(),
            Expr::Binary(op, left, right) => {
                let (function, compute): (_, fn(i64, i64) -> Option<i64>) = match op {
                    BinaryOp::Add => (None, i64::checked_add),
                    BinaryOp::Sub => (Some(self.names.sub), i64::checked_sub),
                    BinaryOp::Mul => (Some(self.names.mul), i64::checked_mul),
                    BinaryOp::Div => (Some(self.names.div), i64::checked_div),
                    _ => return None,
                };
                if function.is_some_and(own) {
                    return None;
                }
                compute(of(left)?, of(right)?)
            }
            _ => None,
        }
    }

    /// The constant that `builtins.name` is.
    pub(super) fn member_of_builtins(&self, id: ExprId) -> Option<Constant<'static>> {
        let Expr::Select {
            base,
            path,
            default: None,
        } = self.ast.expr(id)
        else {
            return None;
        };
        match self.ast.expr(base) {
            Expr::Var(name)
                if name == self.names.builtins && self.work.scopes.find(name).is_none() => {}
            _ => return None,
        }
        let &[AttrName::Static(name)] = &self.ast.names[path.range()] else {
            return None;
        };
        let prefixed = [b"__", self.interner.name(name)].concat();
        // `builtins` has each global by its own name, those that are not global but with this prefix without it. A name that nobody has
        // interned is none's: to intern it here would change the order of symbols by what is compiled, and when.
        self.interner
            .lookup(&prefixed)
            .and_then(|prefixed| self.environment.global(prefixed))
            .or_else(|| self.environment.global(name))
            .filter(|_| self.environment.global(self.names.builtins).is_some())
            .map(Constant::Global)
    }

    /// The integer that `id` is, if it fits into an operand.
    pub(super) fn small(&self, id: ExprId) -> Option<i16> {
        match self.ast.expr(id) {
            Expr::Int(number) => i16::try_from(number).ok(),
            _ => None,
        }
    }

    /// The constant that `id` is, if it is a number, a string, a bool or null.
    pub(super) fn comparable_constant(&self, id: ExprId) -> Option<Constant<'a>> {
        match self.constant_of(id)? {
            Constant::Global(index) => match self.ast.expr(id) {
                Expr::Var(name)
                    if matches!(self.interner.name(name), b"null" | b"true" | b"false") =>
                {
                    Some(Constant::Global(index))
                }
                _ => None,
            },
            // Whether something equals it may take an evaluation.
            Constant::List(_) => None,
            constant => Some(constant),
        }
    }
}
