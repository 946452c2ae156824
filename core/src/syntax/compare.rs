//! Whether two trees are the same, positions included, wherever their nodes lie in the tables. Both must have been made with
//! the same [`Interner`](crate::symbol::Interner).

use super::ast::{Ast, AttrName, AttrsNode, Expr, ExprId, Formals, Part, Run};

/// Whether `left` and `right` say the same about the same places.
pub fn ast_equal(left: &Ast, right: &Ast) -> bool {
    first_difference(left, right).is_none()
}

/// The first node of each tree at which they differ; `None` if they do not.
pub fn first_difference(left: &Ast, right: &Ast) -> Option<(ExprId, ExprId)> {
    let mut comparison = Comparison {
        left,
        right,
        todo: Vec::new(),
    };
    let (Some(left_root), Some(right_root)) = (left.root, right.root) else {
        return None;
    };
    comparison.todo.push((left_root, right_root));
    while let Some(pair) = comparison.todo.pop() {
        if !comparison.same(pair.0, pair.1) {
            return Some(pair);
        }
    }
    None
}

struct Comparison<'a> {
    left: &'a Ast,
    right: &'a Ast,
    /// Pairs that have to be the same for the trees to be.
    todo: Vec<(ExprId, ExprId)>,
}

impl Comparison<'_> {
    fn same(&mut self, left: ExprId, right: ExprId) -> bool {
        if self.left.pos(left) != self.right.pos(right)
            || self.left.operand_start(left) != self.right.operand_start(right)
        {
            return false;
        }
        match (self.left.expr(left), self.right.expr(right)) {
            (Expr::Float(a), Expr::Float(b)) => a.to_bits() == b.to_bits(),
            (Expr::Str(a), Expr::Str(b)) | (Expr::SearchPath(a), Expr::SearchPath(b)) => {
                self.text(a, b)
            }
            (Expr::Path(kind, a), Expr::Path(other, b)) => kind == other && self.text(a, b),
            (Expr::StrInterp(a), Expr::StrInterp(b)) => self.parts(a, b),
            (Expr::PathInterp(kind, a), Expr::PathInterp(other, b)) => {
                kind == other && self.parts(a, b)
            }
            (
                Expr::Select {
                    base,
                    path,
                    default,
                },
                Expr::Select {
                    base: base2,
                    path: path2,
                    default: default2,
                },
            ) => {
                self.later(base, base2)
                    && self.path(path, path2)
                    && self.optional(default, default2)
            }
            (
                Expr::HasAttr { base, path },
                Expr::HasAttr {
                    base: base2,
                    path: path2,
                },
            ) => self.later(base, base2) && self.path(path, path2),
            (
                Expr::Lambda {
                    param,
                    formals,
                    body,
                },
                Expr::Lambda {
                    param: param2,
                    formals: formals2,
                    body: body2,
                },
            ) => param == param2 && self.formals(formals, formals2) && self.later(body, body2),
            (
                Expr::Call { callee, args },
                Expr::Call {
                    callee: callee2,
                    args: args2,
                },
            ) => self.later(callee, callee2) && self.ids(args, args2),
            (Expr::List(a), Expr::List(b)) => self.ids(a, b),
            (Expr::Attrs(a), Expr::Attrs(b)) => self.attrs(a, b),
            (
                Expr::Let { bindings, body },
                Expr::Let {
                    bindings: bindings2,
                    body: body2,
                },
            ) => self.attrs(bindings, bindings2) && self.later(body, body2),
            (
                Expr::With { scope: a, body: b },
                Expr::With {
                    scope: a2,
                    body: b2,
                },
            )
            | (
                Expr::Assert {
                    condition: a,
                    body: b,
                },
                Expr::Assert {
                    condition: a2,
                    body: b2,
                },
            ) => self.later(a, a2) && self.later(b, b2),
            (
                Expr::If {
                    condition,
                    then,
                    otherwise,
                },
                Expr::If {
                    condition: condition2,
                    then: then2,
                    otherwise: otherwise2,
                },
            ) => {
                self.later(condition, condition2)
                    && self.later(then, then2)
                    && self.later(otherwise, otherwise2)
            }
            (Expr::Not(a), Expr::Not(b)) | (Expr::Negate(a), Expr::Negate(b)) => self.later(a, b),
            (Expr::Binary(op, a, b), Expr::Binary(op2, a2, b2)) => {
                op == op2 && self.later(a, a2) && self.later(b, b2)
            }
            // What is left refers to no table.
            (a, b) => a == b,
        }
    }

    fn later(&mut self, left: ExprId, right: ExprId) -> bool {
        self.todo.push((left, right));
        true
    }

    fn optional(&mut self, left: Option<ExprId>, right: Option<ExprId>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => self.later(left, right),
            (left, right) => left.is_none() && right.is_none(),
        }
    }

    fn text(&self, left: Run, right: Run) -> bool {
        self.left.text(left) == self.right.text(right)
    }

    fn ids(&mut self, left: Run, right: Run) -> bool {
        let pairs = self.left.ids[left.range()]
            .iter()
            .zip(&self.right.ids[right.range()]);
        self.todo.extend(pairs.map(|(left, right)| (*left, *right)));
        left.len == right.len
    }

    fn name(&mut self, left: AttrName, right: AttrName) -> bool {
        match (left, right) {
            (AttrName::Dynamic(left), AttrName::Dynamic(right)) => self.later(left, right),
            (left, right) => left == right,
        }
    }

    fn path(&mut self, left: Run, right: Run) -> bool {
        let (left_ast, right_ast) = (self.left, self.right);
        left.len == right.len
            && left_ast.name_pos[left.range()] == right_ast.name_pos[right.range()]
            && left_ast.names[left.range()]
                .iter()
                .zip(&right_ast.names[right.range()])
                .all(|(a, b)| self.name(*a, *b))
    }

    fn parts(&mut self, left: Run, right: Run) -> bool {
        let (left_ast, right_ast) = (self.left, self.right);
        left.len == right.len
            && left_ast.parts[left.range()]
                .iter()
                .zip(&right_ast.parts[right.range()])
                .all(|pair| match pair {
                    (Part::Literal(a), Part::Literal(b)) => self.text(*a, *b),
                    (Part::Expr(a, pos), Part::Expr(b, pos2)) => pos == pos2 && self.later(*a, *b),
                    _ => false,
                })
    }

    fn formals(&mut self, left: Option<Formals>, right: Option<Formals>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return left.is_none() && right.is_none();
        };
        let (left_ast, right_ast) = (self.left, self.right);
        let pairs = left_ast.formals[left.list.range()]
            .iter()
            .zip(&right_ast.formals[right.list.range()]);
        left.ellipsis == right.ellipsis
            && left.list.len == right.list.len
            && pairs.into_iter().all(|(a, b)| {
                (a.name, a.pos) == (b.name, b.pos) && self.optional(a.default, b.default)
            })
    }

    fn attrs(&mut self, left: AttrsNode, right: AttrsNode) -> bool {
        let (left_ast, right_ast) = (self.left, self.right);
        let lens = |node: AttrsNode| (node.recursive, node.bindings.len, node.dynamic.len);
        let mut bindings = left_ast.bindings[left.bindings.range()]
            .iter()
            .zip(&right_ast.bindings[right.bindings.range()]);
        let mut dynamic = left_ast.dynamic_bindings[left.dynamic.range()]
            .iter()
            .zip(&right_ast.dynamic_bindings[right.dynamic.range()]);
        lens(left) == lens(right)
            && self.ids(left.inherit_from, right.inherit_from)
            && bindings.all(|(a, b)| {
                (a.name, a.pos, a.kind) == (b.name, b.pos, b.kind) && self.later(a.value, b.value)
            })
            && dynamic.all(|(a, b)| {
                a.pos == b.pos && self.later(a.name, b.name) && self.later(a.value, b.value)
            })
    }
}
