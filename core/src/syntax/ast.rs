//! The syntax tree: one arena a file, nodes by index, children in side tables. Dropping it never recurses.
//!
//! The tree is what Nix's parser hands to its evaluator: operators that are calls stay operators, nested
//! attribute paths are merged, pipes are calls, `let { }` is a select of `body`, indentation is stripped.

use crate::source::Pos;
use crate::symbol::Symbol;

/// Index of a node in its [`Ast`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExprId(pub u32);

/// A run of entries in one of the side tables of an [`Ast`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// First entry.
    pub start: u32,
    /// How many.
    pub len: u32,
}

impl Run {
    /// The run as indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// Operators that evaluate both sides, and the three that short-circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `==`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `->`
    Implies,
    /// `//`
    Update,
    /// `++`
    Concat,
}

/// One component of an attribute path: `a`, `"a"`, or `${e}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttrName {
    /// Known when parsing.
    Static(Symbol),
    /// Computed; evaluates to a string (or null where Nix allows it).
    Dynamic(ExprId),
}

/// How a path literal begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathKind {
    /// `/a/b`; the text is the canonical path. Before an interpolation it keeps a final slash.
    Absolute,
    /// `./a`, `../a`, `a/b`: relative to the folder of the source file.
    Relative,
    /// `~/a`: the text is what follows `~/`.
    Home,
}

/// One piece of an interpolated string or path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Literal bytes: a run of [`Ast::bytes`].
    Literal(Run),
    /// `${e}`, with the position of its `${`.
    Expr(ExprId, Pos),
}

/// How an attribute of a set or a `let` gets its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BindingKind {
    /// `name = value;`
    Plain,
    /// `inherit name;`: the value is a variable of the scope *outside* of a `rec` or `let`.
    Inherited,
    /// `inherit (from) name;`: the value is `Select(from_i, name)`, with `from_i` the entry of
    /// [`AttrsNode::inherit_from`]. The value node is `Expr::InheritFrom`.
    InheritedFrom,
}

/// A statically named attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Its name.
    pub name: Symbol,
    /// Where the name stands.
    pub pos: Pos,
    /// How it gets its value.
    pub kind: BindingKind,
    /// The value.
    pub value: ExprId,
}

/// A dynamically named attribute, `${name} = value;`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DynamicBinding {
    /// The name's expression.
    pub name: ExprId,
    /// The value.
    pub value: ExprId,
    /// Where the name stands.
    pub pos: Pos,
}

/// An attribute set or the bindings of a `let`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AttrsNode {
    /// `rec { }`.
    pub recursive: bool,
    /// Run of [`Ast::bindings`], in source order, names distinct.
    pub bindings: Run,
    /// Run of [`Ast::dynamic_bindings`], in source order.
    pub dynamic: Run,
    /// Run of [`Ast::ids`]: the distinct `from` expressions of `inherit (from) ...`, in source order.
    pub inherit_from: Run,
}

/// One formal of `{ a, b ? e }: body`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Formal {
    /// Its name.
    pub name: Symbol,
    /// Where it stands.
    pub pos: Pos,
    /// Its default.
    pub default: Option<ExprId>,
}

/// The formals of a lambda.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Formals {
    /// Run of [`Ast::formals`], in source order, names distinct.
    pub list: Run,
    /// Whether `...` stands among them.
    pub ellipsis: bool,
}

/// A node. Children are [`ExprId`]s; see [`Ast`] for the tables that runs point into.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Expr {
    /// `1`
    Int(i64),
    /// `1.5`
    Float(f64),
    /// A string without interpolation (also a URI): a run of [`Ast::bytes`].
    Str(Run),
    /// A path literal without interpolation: a run of [`Ast::bytes`]. The text is as written (for
    /// `Home` without `~/`).
    Path(PathKind, Run),
    /// `<nixpkgs/lib>`: the text between the brackets, a run of [`Ast::bytes`].
    SearchPath(Run),
    /// `"a${b}"`: a run of [`Ast::parts`], always a string, also where it is a lone `${e}`. Of an indented string there
    /// may be literals alone, and several in a row: each escape is one.
    StrInterp(Run),
    /// `./a/${b}`: a run of [`Ast::parts`], whose first part is the literal beginning of the path, and its kind.
    PathInterp(PathKind, Run),
    /// A variable.
    Var(Symbol),
    /// Only as the value of a [`BindingKind::InheritedFrom`] binding: the attribute named as the binding, of
    /// entry `from` of the set's [`AttrsNode::inherit_from`].
    InheritFrom {
        /// Index into the run `inherit_from` of the set it stands in.
        from: u32,
        /// The attribute.
        name: Symbol,
    },
    /// `e.a.b` or `e.a.b or d`; `path` is a run of [`Ast::names`] (positions in [`Ast::name_pos`]).
    Select {
        /// The set.
        base: ExprId,
        /// The path, never empty.
        path: Run,
        /// `or`
        default: Option<ExprId>,
    },
    /// `e ? a.b`
    HasAttr {
        /// The set.
        base: ExprId,
        /// The path, never empty.
        path: Run,
    },
    /// `x: body`, `{ a, b }: body`, `x@{ a, b }: body`.
    Lambda {
        /// The name of the whole argument.
        param: Option<Symbol>,
        /// The formals.
        formals: Option<Formals>,
        /// The body.
        body: ExprId,
    },
    /// `f a b c`: `args` is a run of [`Ast::ids`]. As in Nix, `(f a) b` is flattened too, and stands where `f a` does; but
    /// `(f a) or`, an old spelling of a call with a variable named `or`, is not, nor are calls of very many arguments.
    Call {
        /// The function.
        callee: ExprId,
        /// Its arguments, at least one.
        args: Run,
    },
    /// `[ a b ]`: a run of [`Ast::ids`].
    List(Run),
    /// `{ a = 1; }`
    Attrs(AttrsNode),
    /// `let a = 1; in body`; the node is `recursive: true` and has no dynamic bindings.
    Let {
        /// The bindings.
        bindings: AttrsNode,
        /// The body.
        body: ExprId,
    },
    /// `with scope; body`
    With {
        /// The set.
        scope: ExprId,
        /// The body.
        body: ExprId,
    },
    /// `if c then a else b`
    If {
        /// The condition.
        condition: ExprId,
        /// Where it holds.
        then: ExprId,
        /// Where it does not.
        otherwise: ExprId,
    },
    /// `assert c; body`
    Assert {
        /// The condition.
        condition: ExprId,
        /// The body.
        body: ExprId,
    },
    /// `!e`
    Not(ExprId),
    /// `-e`
    Negate(ExprId),
    /// `a op b`; the position of the node is the operator's where Nix reports that.
    Binary(BinaryOp, ExprId, ExprId),
    /// `__curPos`
    CurPos,
}

/// Something that a text may do and should not.
#[derive(Clone, Debug)]
pub enum Warning {
    /// A literal: [`super::Lint::Warn`]. Shown with the lines around its place.
    Literal(Pos, String),
    /// `or` as the name of a variable, where that is part of a larger expression. Shown with its place alone.
    Or(Pos, String),
}

/// The syntax tree of one source text.
#[derive(Default, Debug)]
pub struct Ast {
    /// The nodes.
    pub exprs: Vec<Expr>,
    /// The position of each node, parallel to `exprs`: where Nix reports it. That is the operator of a binary operation, the
    /// operand of `!` and `?`, and else the beginning. Sets that only attribute paths imply have none. Literals, lists
    /// and `let` have where they begin, though Nix knows no place for them.
    pub pos: Vec<Pos>,
    /// Children of lists and calls, and `inherit (from)` expressions.
    pub ids: Vec<ExprId>,
    /// Components of attribute paths.
    pub names: Vec<AttrName>,
    /// Where each component of `names` stands, parallel to it.
    pub name_pos: Vec<Pos>,
    /// Pieces of interpolations.
    pub parts: Vec<Part>,
    /// Static attributes.
    pub bindings: Vec<Binding>,
    /// Dynamic attributes.
    pub dynamic_bindings: Vec<DynamicBinding>,
    /// Formals.
    pub formals: Vec<Formal>,
    /// Literal bytes.
    pub bytes: Vec<u8>,
    /// Operands of `+` that begin elsewhere than [`Ast::pos`] says, in order of the operand's id: where they begin in
    /// the text, parentheses included. Nix names that place when it cannot add or coerce the operand.
    pub operand_starts: Vec<(ExprId, Pos)>,
    /// What is discouraged, in the order of the text.
    pub warnings: Vec<Warning>,
    /// The root, valid once parsing is done.
    pub root: Option<ExprId>,
    /// The position of the first byte of the text.
    pub start: Pos,
}

impl Ast {
    /// Gives back room that it was made with and that nothing is in: it is to be kept. Allocators leave what is half full as it is, so it is
    /// copied.
    pub fn give_back_room(&mut self) {
        fn fit<T: Clone>(vec: &mut Vec<T>) {
            *vec = vec.as_slice().to_vec();
        }
        fit(&mut self.exprs);
        fit(&mut self.pos);
        fit(&mut self.ids);
        fit(&mut self.names);
        fit(&mut self.name_pos);
        fit(&mut self.bindings);
        fit(&mut self.bytes);
    }

    /// Empties it, but for its memory.
    pub(super) fn clear(&mut self) {
        let Ast {
            exprs,
            pos,
            ids,
            names,
            name_pos,
            parts,
            bindings,
            dynamic_bindings,
            formals,
            bytes,
            operand_starts,
            warnings,
            root,
            start,
        } = self;
        exprs.clear();
        pos.clear();
        ids.clear();
        names.clear();
        name_pos.clear();
        parts.clear();
        bindings.clear();
        dynamic_bindings.clear();
        formals.clear();
        bytes.clear();
        operand_starts.clear();
        warnings.clear();
        *root = None;
        *start = Pos::NONE;
    }

    /// Adds a node.
    pub fn push(&mut self, expr: Expr, pos: Pos) -> ExprId {
        let id = ExprId(self.exprs.len() as u32);
        self.exprs.push(expr);
        self.pos.push(pos);
        id
    }

    /// The node `id`.
    pub fn expr(&self, id: ExprId) -> Expr {
        self.exprs[id.0 as usize]
    }

    /// The position of node `id`.
    pub fn pos(&self, id: ExprId) -> Pos {
        self.pos[id.0 as usize]
    }

    /// Where the operand `id` of a `+` begins.
    pub fn operand_start(&self, id: ExprId) -> Pos {
        match self
            .operand_starts
            .binary_search_by_key(&id.0, |(operand, _)| operand.0)
        {
            Ok(at) => self.operand_starts[at].1,
            Err(_) => self.pos(id),
        }
    }

    /// The bytes of a literal.
    pub fn text(&self, run: Run) -> &[u8] {
        &self.bytes[run.range()]
    }
}
