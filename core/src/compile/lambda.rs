//! Functions: parameters, formals with defaults, and thunks for what is delayed.

use super::Compiler;
use super::scope::Place;
use crate::bytecode::{CodeKind, CodePlace, Constant, FormalSpec, FormalsSpec, Instruction, Op};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::syntax::ast::{Expr, ExprId, Formal, Formals};
use smallvec::SmallVec;

/// So many nested lambdas become one function.
const MAX_ARITY: u16 = 32;

impl<'a> Compiler<'a> {
    /// The code of a delayed expression.
    pub(super) fn thunk_code(&mut self, id: ExprId, kind: CodeKind, pos: Pos) -> Result<CodePlace> {
        if let Some(code) = self.leave_out(id, kind, pos)? {
            return Ok(code);
        }
        self.begin(kind, pos);
        self.whole = Some(id);
        self.tail(id)?;
        Ok(self.finish())
    }

    /// The code of a lambda: `x: y: body` is one function of two parameters, of which the last one may have formals.
    pub(super) fn lambda_code(&mut self, id: ExprId, name: Option<Symbol>) -> Result<CodePlace> {
        self.begin(CodeKind::Lambda, self.ast.pos(id));
        let scope = self.work.scopes.enter();
        self.lambda_body(id, name)?;
        self.work.scopes.leave(scope);
        Ok(self.finish())
    }

    fn lambda_body(&mut self, id: ExprId, name: Option<Symbol>) -> Result<()> {
        let mut parameters: SmallVec<[_; 4]> = SmallVec::new();
        let mut body = id;
        while let Expr::Lambda {
            param,
            formals,
            body: inner,
        } = self.ast.expr(body)
        {
            if parameters.len() == usize::from(MAX_ARITY) {
                break;
            }
            let matches = formals.is_some();
            parameters.push((param, formals, self.ast.pos(body)));
            body = inner;
            // An argument is matched when it is applied, be there others or not.
            if matches {
                break;
            }
        }
        let arity = parameters.len() as u16;
        self.function().code().arity = arity;
        self.function().code().name = name;
        let named = parameters.iter().map(|(name, _, pos)| (*name, *pos));
        self.function().code().parameters.extend(named);
        self.function().allocate(usize::from(arity))?;
        for (index, (param, formals, pos)) in parameters.into_iter().enumerate() {
            if let Some(param) = param {
                let level = self.level();
                self.work
                    .scopes
                    .bind(param, level, Place::Register(index as u16));
            }
            if let Some(formals) = formals {
                self.formals(index as u16, formals, pos)?;
            }
        }
        self.whole = Some(body);
        self.tail(body)
    }

    fn formals(&mut self, parameter: u16, formals: Formals, pos: Pos) -> Result<()> {
        let source = &self.ast.formals[formals.list.range()];
        let mut list = source.to_vec();
        list.sort_by_key(|formal| formal.name);
        // A name that is a constant outside may be that of a formal. Their registers are not known yet.
        let level = self.level();
        let scope = self.work.scopes.enter();
        for formal in &list {
            let place = Place::Register(parameter);
            self.work.scopes.bind(formal.name, level, place);
        }
        let defaults = self.defaults(source, &list);
        let delays = (defaults.iter()).any(|default| matches!(default.kind, DefaultKind::Delayed));
        self.work.scopes.leave(scope);
        // A default that needs a thunk needs a register beside its formal that says whether the thunk is new.
        let stride: u16 = if delays { 2 } else { 1 };
        let first = self.function().allocate(list.len() * usize::from(stride))?;
        let register = |index: usize| first + index as u16 * stride;
        for (index, formal) in list.iter().enumerate() {
            self.work
                .scopes
                .bind(formal.name, level, Place::Register(register(index)));
        }
        let spec = FormalsSpec {
            parameter,
            formals: list
                .iter()
                .enumerate()
                .map(|(slot, formal)| FormalSpec {
                    name: formal.name,
                    pos: formal.pos,
                    has_default: formal.default.is_some(),
                    slot: slot as u16,
                })
                .collect(),
            ellipsis: formals.ellipsis,
        };
        let function = self.function();
        function.code().formals.push(spec);
        let number = (function.code().formals.len() - 1) as u16;
        let mut instruction = Instruction::abc(Op::Formals, parameter, first, number);
        instruction.x = stride as u8;
        function.emit(instruction, pos);

        let mut fills = Vec::new();
        for default in defaults {
            let register = register(default.formal);
            let Formal { name, pos, .. } = list[default.formal];
            match default.kind {
                DefaultKind::Constant(constant) => {
                    let constant = self.function().code().constant(&constant);
                    self.function()
                        .emit_aw(Op::ConstIfUnset, register, constant, pos);
                }
                DefaultKind::There => {
                    let mark = self.function().mark();
                    let variable = self.operand(default.id)?;
                    self.function()
                        .emit_abc(Op::MoveIfUnset, register, variable, 0, pos);
                    self.function().release(mark);
                }
                DefaultKind::Delayed => {
                    let place = self.ast.pos(default.id);
                    let code = self.thunk_code(default.id, CodeKind::Variable(name), place)?;
                    let child = self.function().child(code);
                    self.function()
                        .emit_aw(Op::ThunkIfUnset, register, child, pos);
                    fills.push((register + 1, child, pos));
                }
            }
        }
        for (shadow, child, pos) in fills {
            self.function().emit_aw(Op::FillIfNew, shadow, child, pos);
        }
        Ok(())
    }

    /// The defaults of the formals in `list`, which are sorted, in an order in which as many as can be have what they are another name for:
    /// Nix takes the cell of a variable that is there. It goes by the order in which names came to be known, which is this one where
    /// they are new, since a default is read before the name that it is of; here it must be the same whatever was read before.
    fn defaults(&self, source: &[Formal], list: &[Formal]) -> Vec<FormalDefault<'a>> {
        if source.iter().all(|formal| formal.default.is_none()) {
            return Vec::new();
        }
        let find = |name: Symbol| list.binary_search_by_key(&name, |formal| formal.name).ok();
        let variable = |index: usize| match self.ast.expr(list[index].default?) {
            Expr::Var(name) => Some(name),
            _ => None,
        };
        let refers = |index: usize| variable(index).and_then(find);
        let (mut seen, mut done) = (vec![false; list.len()], vec![false; list.len()]);
        let mut defaults = Vec::new();
        let mut chain = Vec::new();
        for formal in source {
            let mut next = find(formal.name);
            while let Some(index) = next.filter(|index| !seen[*index]) {
                seen[index] = true;
                chain.push(index);
                next = refers(index);
            }
            for index in chain.drain(..).rev() {
                if let Some(id) = list[index].default {
                    let is_there = match refers(index) {
                        Some(other) => done[other],
                        None => variable(index).is_some_and(|name| {
                            matches!(self.work.scopes.find(name), Some((_, Place::Register(_))))
                        }),
                    };
                    let kind = match self.constant_of(id) {
                        Some(constant) => DefaultKind::Constant(constant),
                        None if is_there => DefaultKind::There,
                        None => DefaultKind::Delayed,
                    };
                    defaults.push(FormalDefault {
                        formal: index,
                        id,
                        kind,
                    });
                }
                done[index] = true;
            }
        }
        defaults
    }
}

/// The default of a formal, which is given by its number.
struct FormalDefault<'a> {
    formal: usize,
    id: ExprId,
    kind: DefaultKind<'a>,
}

enum DefaultKind<'a> {
    Constant(Constant<'a>),
    /// Another name for a variable that has its value by then.
    There,
    Delayed,
}
