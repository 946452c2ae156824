//! What an expression takes from the scopes around it, found without compiling it.

use super::Environment;
use super::scope::{Place, Scopes};
use crate::symbol::Symbol;
use crate::syntax::ast::{
    Ast, AttrName, AttrsNode, BindingKind, Expr, ExprId, Part, PathKind, Run,
};

/// The level of the names that the expression binds itself.
const INNER: usize = usize::MAX;

/// What an expression takes from around it.
pub(super) struct Free {
    /// Variables that bodies around it hold in registers: the name, level and register of each. None stands twice.
    pub(super) variables: Vec<(Symbol, usize, u16)>,
    /// Whether names are looked up in the `with` scopes around it.
    pub(super) withs: bool,
}

/// What is still to be done.
enum Step {
    Visit(ExprId),
    /// Forgets what was bound since.
    Leave(usize),
    LeaveWith,
}

/// A walk through an expression.
pub(super) struct Search<'s> {
    ast: &'s Ast,
    scopes: &'s mut Scopes,
    environment: &'s Environment<'s>,
    steps: Vec<Step>,
    /// How many `with`s of the expression are around what is visited.
    withs: usize,
    size: usize,
    free: Free,
}

/// There is more to it than names: it cannot be told what the expression takes, or compiling it might fail.
struct Unclear;

impl<'s> Search<'s> {
    pub(super) fn new(
        ast: &'s Ast,
        scopes: &'s mut Scopes,
        environment: &'s Environment<'s>,
    ) -> Self {
        Search {
            ast,
            scopes,
            environment,
            steps: Vec::new(),
            withs: 0,
            size: 0,
            free: Free {
                variables: Vec::new(),
                withs: false,
            },
        }
    }

    /// What `id` takes from around it, and how large it is: how many nodes, names and parts were looked at. Nothing where that is more than
    /// `limit`, where it cannot be told by names alone, or where compiling the expression might fail.
    pub(super) fn run(mut self, id: ExprId, limit: usize) -> (Option<Free>, usize) {
        let mark = self.scopes.enter();
        let mut clear = true;
        self.steps.push(Step::Visit(id));
        while clear && let Some(step) = self.steps.pop() {
            match step {
                Step::Leave(mark) => self.scopes.leave(mark),
                Step::LeaveWith => self.withs -= 1,
                Step::Visit(id) => {
                    self.size += 1;
                    clear = self.visit(id).is_ok() && self.size <= limit;
                }
            }
        }
        self.scopes.leave(mark);
        self.free.variables.sort_unstable();
        self.free.variables.dedup();
        (clear.then_some(self.free), self.size)
    }

    fn visit(&mut self, id: ExprId) -> Result<(), Unclear> {
        match self.ast.expr(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::CurPos => {}
            // Only the set around knows what is selected from, and visits that.
            Expr::InheritFrom { .. } => {}
            Expr::Path(PathKind::Home, _) | Expr::PathInterp(PathKind::Home, _) => {
                return Err(Unclear);
            }
            Expr::SearchPath(_) => return Err(Unclear),
            Expr::Path(..) => {}
            Expr::Var(name) => self.variable(name)?,
            Expr::StrInterp(parts) | Expr::PathInterp(_, parts) => {
                let ast = self.ast;
                self.size += parts.len as usize;
                for part in &ast.parts[parts.range()] {
                    if let Part::Expr(inner, _) = part {
                        self.later(*inner);
                    }
                }
            }
            Expr::Select {
                base,
                path,
                default,
            } => {
                self.later(base);
                self.path(path);
                default.into_iter().for_each(|default| self.later(default));
            }
            Expr::HasAttr { base, path } => {
                self.later(base);
                self.path(path);
            }
            Expr::Lambda {
                param,
                formals,
                body,
            } => {
                self.scope();
                param.into_iter().for_each(|name| self.bind(name));
                if let Some(formals) = formals {
                    let ast = self.ast;
                    self.size += formals.list.len as usize;
                    for formal in &ast.formals[formals.list.range()] {
                        self.bind(formal.name);
                        formal.default.into_iter().for_each(|id| self.later(id));
                    }
                }
                self.later(body);
            }
            Expr::Call { callee, args } => {
                self.later(callee);
                self.all(args);
            }
            Expr::List(items) => self.all(items),
            Expr::Attrs(node) if node.recursive => self.group(node)?,
            Expr::Attrs(node) => self.members(node, |_| true),
            Expr::Let { bindings, body } => {
                self.group(bindings)?;
                self.later(body);
            }
            Expr::With { scope, body } => {
                self.later(scope);
                self.withs += 1;
                self.steps.push(Step::LeaveWith);
                self.later(body);
            }
            Expr::If {
                condition,
                then,
                otherwise,
            } => [condition, then, otherwise]
                .into_iter()
                .for_each(|id| self.later(id)),
            Expr::Assert { condition, body } => {
                self.later(condition);
                self.later(body);
            }
            Expr::Not(inner) | Expr::Negate(inner) => self.later(inner),
            Expr::Binary(_, left, right) => {
                self.later(left);
                self.later(right);
            }
        }
        Ok(())
    }

    fn later(&mut self, id: ExprId) {
        self.steps.push(Step::Visit(id));
    }

    fn all(&mut self, ids: Run) {
        let ast = self.ast;
        let ids = &ast.ids[ids.range()];
        self.steps.extend(ids.iter().map(|id| Step::Visit(*id)));
    }

    fn path(&mut self, path: Run) {
        let ast = self.ast;
        self.size += path.len as usize;
        for name in &ast.names[path.range()] {
            if let AttrName::Dynamic(name) = name {
                self.later(*name);
            }
        }
    }

    /// Begins a scope for what is bound and put on the steps from here on: the steps are taken from their end, so that the scope is
    /// left when all of that is done.
    fn scope(&mut self) {
        self.steps.push(Step::Leave(self.scopes.enter()));
    }

    fn bind(&mut self, name: Symbol) {
        self.scopes.bind(name, INNER, Place::Register(0));
    }

    /// A `rec` or the bindings of a `let`, in a scope of their own.
    fn group(&mut self, node: AttrsNode) -> Result<(), Unclear> {
        let ast = self.ast;
        let bindings = &ast.bindings[node.bindings.range()];
        self.size += bindings.len();
        // `inherit x` means the x outside.
        for binding in bindings {
            if binding.kind == BindingKind::Inherited
                && let Expr::Var(name) = ast.expr(binding.value)
            {
                self.variable(name)?;
            }
        }
        self.scope();
        for binding in bindings {
            self.bind(binding.name);
        }
        self.members(node, |kind| kind != BindingKind::Inherited);
        Ok(())
    }

    fn members(&mut self, node: AttrsNode, which: impl Fn(BindingKind) -> bool) {
        let ast = self.ast;
        for binding in &ast.bindings[node.bindings.range()] {
            if which(binding.kind) {
                self.later(binding.value);
            }
        }
        for binding in &ast.dynamic_bindings[node.dynamic.range()] {
            self.later(binding.name);
            self.later(binding.value);
        }
        self.all(node.inherit_from);
    }

    fn variable(&mut self, name: Symbol) -> Result<(), Unclear> {
        match self.scopes.find(name) {
            Some((INNER, _)) => {}
            Some((level, Place::Register(register))) => {
                self.free.variables.push((name, level, register));
            }
            Some((_, Place::Attribute { .. })) => return Err(Unclear),
            None if self.environment.global(name).is_some() => {}
            None => match self.withs + self.scopes.withs.len() {
                // Undefined.
                0 => return Err(Unclear),
                withs => {
                    self.size += withs;
                    self.free.withs |= !self.scopes.withs.is_empty();
                }
            },
        }
        Ok(())
    }
}
