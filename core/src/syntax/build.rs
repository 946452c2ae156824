//! The tree under construction. Everything that parsing does beyond grammar is here: merging of attribute paths, duplicate
//! checks, flattening of calls.

use super::ast::{
    Ast, AttrName, AttrsNode, BinaryOp, Binding, BindingKind, DynamicBinding, Expr, ExprId, Formal,
    Part, Run,
};
use super::literal::{IndentedPiece, StrippedPiece, strip_indentation};
use super::merge;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Pos, SourceFile};
use crate::symbol::{Interner, Symbol};

/// Calls with more arguments than this are not flattened into an enclosing call: copying them over and over would cost
/// quadratic time.
const FLATTEN_LIMIT: u32 = 1024;

/// Up to this many names, comparing all pairs beats the table.
const FEW_NAMES: usize = 8;

/// What a set or `let` under construction has collected.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSet {
    entries: usize,
    components: usize,
    froms: usize,
}

/// One `attrpath = value;` or one name of an `inherit`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The first component of the path.
    pub first: AttrName,
    /// The further components, a run of the builder's `components`.
    pub rest: Run,
    /// Where the path begins.
    pub pos: Pos,
    /// How it gets its value.
    pub kind: BindingKind,
    /// The value.
    pub value: ExprId,
}

/// Finds names that occur twice in linear time: a table by symbol of the round that last saw it.
#[derive(Default)]
struct Seen {
    rounds: Vec<u32>,
    round: u32,
}

impl Seen {
    fn any_twice(&mut self, mut names: impl Iterator<Item = Symbol>) -> bool {
        self.round += 1;
        names.any(|name| {
            let slot = name.0 as usize;
            if slot >= self.rounds.len() {
                self.rounds.resize((slot + 1).next_power_of_two(), 0);
            }
            std::mem::replace(&mut self.rounds[slot], self.round) == self.round
        })
    }
}

/// A tree of more nodes is not used again: its memory would be held for the few sources that are as long.
const REUSED_NODES: usize = 1 << 16;

/// Memory that parsing needs, for one text after the other.
#[derive(Default)]
pub struct ParseMemory {
    tree: Ast,
    /// Open sets, the innermost last.
    sets: Vec<OpenSet>,
    pub(super) entries: Vec<Entry>,
    pub(super) components: Vec<AttrName>,
    pub(super) froms: Vec<ExprId>,
    seen: Seen,
    /// Kept from one indented string to the next for its memory alone.
    stripped: Vec<(StrippedPiece<ExprId>, usize)>,
}

impl ParseMemory {
    /// Takes back the memory of a tree that nobody needs any more.
    pub fn recycle(&mut self, tree: Ast) {
        if tree.exprs.capacity() <= REUSED_NODES {
            self.tree = tree;
        }
    }
}

/// A tree under construction, with the stacks of what is open.
pub(super) struct Builder<'a> {
    pub ast: Ast,
    pub file: &'a SourceFile,
    pub interner: &'a mut Interner,
    pub memory: &'a mut ParseMemory,
}

impl<'a> Builder<'a> {
    pub fn new(
        file: &'a SourceFile,
        interner: &'a mut Interner,
        memory: &'a mut ParseMemory,
    ) -> Self {
        let mut ast = std::mem::take(&mut memory.tree);
        ast.clear();
        // What real sources need, rounded up: growing in steps costs a tenth of the whole parse.
        let size = file.len();
        ast.exprs.reserve(size / 24 + 8);
        ast.pos.reserve(size / 24 + 8);
        ast.ids.reserve(size / 64 + 8);
        ast.names.reserve(size / 64 + 8);
        ast.name_pos.reserve(size / 64 + 8);
        ast.bindings.reserve(size / 64 + 8);
        ast.bytes.reserve(size / 4 + 8);
        ast.start = file.pos(0);
        // A text that did not parse may have left something open.
        memory.sets.clear();
        memory.entries.clear();
        memory.components.clear();
        memory.froms.clear();
        Builder {
            ast,
            file,
            interner,
            memory,
        }
    }

    /// The position of byte `offset`.
    pub fn at(&self, offset: usize) -> Pos {
        self.file.pos(offset)
    }

    /// A parse error at byte `offset`.
    pub fn error(&self, offset: usize, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Parse, message).at(self.at(offset))
    }

    /// How messages name a position of this file.
    pub fn place(&self, pos: Pos) -> String {
        let offset = (pos.0 - self.file.pos(0).0) as usize;
        let (line, column) = self
            .file
            .line_and_column(offset, None)
            .expect("the text being parsed");
        format!("{}:{line}:{column}", self.file.origin.display())
    }

    /// Appends literal bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Run {
        let start = self.ast.bytes.len() as u32;
        self.ast.bytes.extend_from_slice(bytes);
        Run {
            start,
            len: bytes.len() as u32,
        }
    }

    /// Appends children.
    pub fn ids(&mut self, ids: &[ExprId]) -> Run {
        let start = self.ast.ids.len() as u32;
        self.ast.ids.extend_from_slice(ids);
        Run {
            start,
            len: ids.len() as u32,
        }
    }

    /// Appends an attribute path and the places of its components.
    pub fn path(&mut self, path: &[(AttrName, Pos)]) -> Run {
        let start = self.ast.names.len() as u32;
        self.ast.names.extend(path.iter().map(|(name, _)| *name));
        self.ast.name_pos.extend(path.iter().map(|(_, pos)| *pos));
        Run {
            start,
            len: path.len() as u32,
        }
    }

    /// Appends formals.
    pub fn formals(&mut self, formals: &[Formal]) -> Run {
        let start = self.ast.formals.len() as u32;
        self.ast.formals.extend_from_slice(formals);
        Run {
            start,
            len: formals.len() as u32,
        }
    }

    /// Appends pieces of an interpolation.
    pub fn parts(&mut self, parts: &[Part]) -> Run {
        let start = self.ast.parts.len() as u32;
        self.ast.parts.extend_from_slice(parts);
        Run {
            start,
            len: parts.len() as u32,
        }
    }

    /// The attribute name that the expression in `${...}` gives: a plain string is as good as a written name.
    pub fn attr_name(&mut self, expr: ExprId) -> AttrName {
        match self.ast.expr(expr) {
            Expr::Str(run) => AttrName::Static(self.interner.intern(&self.ast.bytes[run.range()])),
            _ => AttrName::Dynamic(expr),
        }
    }

    /// `callee args...`. As in Nix, arguments join the call that the callee is, parentheses or not, and the whole is
    /// where that call was; what Nix spells as a call (`-a`, `a < b`, `<nixpkgs>`) keeps its place in the same way.
    pub fn call(&mut self, callee: ExprId, args: &[ExprId], pos: Pos) -> ExprId {
        let pos = match self.ast.expr(callee) {
            Expr::Call {
                callee: inner,
                args: old,
            } if old.len < FLATTEN_LIMIT => {
                let run = self.extend_run(old, args);
                self.ast.exprs[callee.0 as usize] = Expr::Call {
                    callee: inner,
                    args: run,
                };
                return callee;
            }
            expr if is_call_in_nix(&expr) => self.ast.pos(callee),
            _ => pos,
        };
        let args = self.ids(args);
        self.ast.push(Expr::Call { callee, args }, pos)
    }

    /// `callee or`: a call with the variable `or`, which joins no other call.
    pub fn call_or(&mut self, callee: ExprId, pos: Pos) -> ExprId {
        let name = self.interner.intern(b"or");
        let variable = self.ast.push(Expr::Var(name), pos);
        let args = self.ids(&[variable]);
        self.ast.push(Expr::Call { callee, args }, pos)
    }

    fn extend_run(&mut self, old: Run, more: &[ExprId]) -> Run {
        let mut start = old.start;
        if old.range().end != self.ast.ids.len() {
            start = self.ast.ids.len() as u32;
            self.ast.ids.extend_from_within(old.range());
        }
        self.ast.ids.extend_from_slice(more);
        Run {
            start,
            len: old.len + more.len() as u32,
        }
    }

    /// `left op right`, with the place of the operator and where the operands begin.
    pub fn binary(&mut self, op: BinaryOp, operands: [(ExprId, Pos); 2], pos: Pos) -> ExprId {
        if op == BinaryOp::Add {
            for (operand, start) in operands {
                if self.ast.pos(operand) != start {
                    self.ast.operand_starts.push((operand, start));
                }
            }
        }
        self.ast
            .push(Expr::Binary(op, operands[0].0, operands[1].0), pos)
    }

    /// The indented string made of `pieces`, which begins at `start`.
    pub fn indented_string(
        &mut self,
        pieces: &[(IndentedPiece<ExprId>, usize)],
        start: usize,
    ) -> ExprId {
        let mut stripped = std::mem::take(&mut self.memory.stripped);
        strip_indentation(self.file.text(), pieces, &mut self.ast.bytes, &mut stripped);
        let run = |start: usize, end: usize| Run {
            start: start as u32,
            len: (end - start) as u32,
        };
        if let [(StrippedPiece::Interpolation(inner), _)] = stripped[..]
            && let Expr::Str(_) = self.ast.expr(inner)
        {
            stripped.clear();
            self.memory.stripped = stripped;
            return inner;
        }
        let expr = match stripped[..] {
            [] => Expr::Str(Run::default()),
            [(StrippedPiece::Text(start, end), _)] => Expr::Str(run(start, end)),
            _ => {
                let parts = stripped.iter().map(|(piece, offset)| match *piece {
                    StrippedPiece::Text(start, end) => Part::Literal(run(start, end)),
                    StrippedPiece::Interpolation(expr) => Part::Expr(expr, self.file.pos(*offset)),
                });
                let start = self.ast.parts.len() as u32;
                self.ast.parts.extend(parts);
                Expr::StrInterp(Run {
                    start,
                    len: stripped.len() as u32,
                })
            }
        };
        stripped.clear();
        self.memory.stripped = stripped;
        self.ast.push(expr, self.at(start))
    }

    /// The finished tree.
    pub fn finish(mut self, root: ExprId) -> Ast {
        self.ast
            .operand_starts
            .sort_unstable_by_key(|(operand, _)| operand.0);
        self.ast.root = Some(root);
        self.ast
    }

    /// Begins a set or the bindings of a `let`.
    pub fn open_set(&mut self) {
        self.memory.sets.push(OpenSet {
            entries: self.memory.entries.len(),
            components: self.memory.components.len(),
            froms: self.memory.froms.len(),
        });
    }

    /// Adds `path = value;` to the innermost set. The components after the first are those pushed to `components` since
    /// its length was `rest_start`.
    pub fn bind(
        &mut self,
        first: AttrName,
        rest_start: usize,
        rest_len: usize,
        pos: Pos,
        value: ExprId,
    ) {
        let rest = Run {
            start: rest_start as u32,
            len: rest_len as u32,
        };
        self.memory.entries.push(Entry {
            first,
            rest,
            pos,
            kind: BindingKind::Plain,
            value,
        });
    }

    /// Adds `inherit name;` to the innermost set.
    pub fn inherit(&mut self, name: Symbol, pos: Pos) {
        let value = self.ast.push(Expr::Var(name), pos);
        self.inherited(name, pos, BindingKind::Inherited, value);
    }

    /// Begins `inherit (from) ...` in the innermost set; the result goes to [`Builder::inherit_from`].
    pub fn inherit_source(&mut self, from: ExprId) -> u32 {
        self.memory.froms.push(from);
        let start = self.memory.sets.last().map_or(0, |set| set.froms);
        (self.memory.froms.len() - 1 - start) as u32
    }

    /// Adds one name of `inherit (from) name;` to the innermost set.
    pub fn inherit_from(&mut self, from: u32, name: Symbol, pos: Pos) {
        let value = self.ast.push(Expr::InheritFrom { from, name }, pos);
        self.inherited(name, pos, BindingKind::InheritedFrom, value);
    }

    fn inherited(&mut self, name: Symbol, pos: Pos, kind: BindingKind, value: ExprId) {
        self.memory.entries.push(Entry {
            first: AttrName::Static(name),
            rest: Run::default(),
            pos,
            kind,
            value,
        });
    }

    /// Ends the innermost set.
    pub fn close_set(&mut self, recursive: bool) -> Result<AttrsNode> {
        let Some(set) = self.memory.sets.pop() else {
            return Err(self.error(0, "a set ends that never began"));
        };
        let node = match self.duplicate_first_name(set.entries) {
            false => Ok(self.collect_distinct(set, recursive)),
            true => merge::collect(
                self,
                set.entries..self.memory.entries.len(),
                set.froms..self.memory.froms.len(),
                recursive,
            ),
        };
        self.memory.entries.truncate(set.entries);
        self.memory.components.truncate(set.components);
        self.memory.froms.truncate(set.froms);
        node
    }

    /// The error to report when `error` ends the parse: Nix checks for duplicates as it reads, so that one in an open set
    /// comes first.
    pub fn earliest_error(&mut self, error: Error) -> Error {
        let (mut entries_end, mut froms_end) = (self.memory.entries.len(), self.memory.froms.len());
        let mut earliest = error;
        // From the innermost set outwards: what an outer set holds was read before.
        for set in std::mem::take(&mut self.memory.sets).into_iter().rev() {
            if let Err(duplicate) =
                merge::collect(self, set.entries..entries_end, set.froms..froms_end, false)
            {
                earliest = duplicate;
            }
            (entries_end, froms_end) = (set.entries, set.froms);
        }
        earliest
    }

    /// Emits a set whose paths begin with distinct names: nothing needs merging.
    fn collect_distinct(&mut self, set: OpenSet, recursive: bool) -> AttrsNode {
        let mut dynamic_count = 0;
        for index in set.entries..self.memory.entries.len() {
            let entry = self.memory.entries[index];
            dynamic_count += usize::from(matches!(entry.first, AttrName::Dynamic(_)));
            if entry.rest.len > 0 {
                self.memory.entries[index].value = self.nest(entry);
            }
        }
        let start = self.ast.bindings.len();
        for entry in &self.memory.entries[set.entries..] {
            if let AttrName::Static(name) = entry.first {
                self.ast.bindings.push(Binding {
                    name,
                    pos: entry.pos,
                    kind: entry.kind,
                    value: entry.value,
                });
            }
        }
        let bindings = Run {
            start: start as u32,
            len: (self.ast.bindings.len() - start) as u32,
        };
        let mut dynamic = Run::default();
        if dynamic_count > 0 {
            dynamic = Run {
                start: self.ast.dynamic_bindings.len() as u32,
                len: dynamic_count as u32,
            };
            for entry in &self.memory.entries[set.entries..] {
                if let AttrName::Dynamic(name) = entry.first {
                    self.ast.dynamic_bindings.push(DynamicBinding {
                        name,
                        value: entry.value,
                        pos: entry.pos,
                    });
                }
            }
        }
        let mut inherit_from = Run::default();
        if self.memory.froms.len() > set.froms {
            inherit_from.start = self.ast.ids.len() as u32;
            inherit_from.len = (self.memory.froms.len() - set.froms) as u32;
            self.ast
                .ids
                .extend_from_slice(&self.memory.froms[set.froms..]);
        }
        AttrsNode {
            recursive,
            bindings,
            dynamic,
            inherit_from,
        }
    }

    /// The sets that the further components of a path imply, from the innermost outwards.
    fn nest(&mut self, entry: Entry) -> ExprId {
        let mut value = entry.value;
        for index in entry.rest.range().rev() {
            let mut node = AttrsNode::default();
            match self.memory.components[index] {
                AttrName::Static(name) => {
                    node.bindings = Run {
                        start: self.ast.bindings.len() as u32,
                        len: 1,
                    };
                    self.ast.bindings.push(Binding {
                        name,
                        pos: entry.pos,
                        kind: BindingKind::Plain,
                        value,
                    });
                }
                AttrName::Dynamic(name) => {
                    node.dynamic = Run {
                        start: self.ast.dynamic_bindings.len() as u32,
                        len: 1,
                    };
                    self.ast.dynamic_bindings.push(DynamicBinding {
                        name,
                        value,
                        pos: entry.pos,
                    });
                }
            }
            value = self.ast.push(Expr::Attrs(node), Pos::NONE);
        }
        value
    }

    fn duplicate_first_name(&mut self, start: usize) -> bool {
        let entries = &self.memory.entries[start..];
        let name = |entry: &Entry| match entry.first {
            AttrName::Static(name) => Some(name),
            AttrName::Dynamic(_) => None,
        };
        if entries.len() <= FEW_NAMES {
            return entries.iter().enumerate().any(|(index, entry)| {
                let name = name(entry);
                name.is_some()
                    && entries[..index]
                        .iter()
                        .any(|earlier| earlier.first == entry.first)
            });
        }
        self.memory.seen.any_twice(entries.iter().filter_map(name))
    }

    /// Checks that the names of formals are distinct, and differ from that of the whole argument; `pos` is where the
    /// lambda begins.
    pub fn check_formals(
        &mut self,
        formals: &[Formal],
        param: Option<Symbol>,
        pos: Pos,
    ) -> Result<()> {
        let twice = match formals.len() <= FEW_NAMES {
            true => formals.iter().enumerate().any(|(index, formal)| {
                formals[..index]
                    .iter()
                    .any(|earlier| earlier.name == formal.name)
            }),
            false => self
                .memory
                .seen
                .any_twice(formals.iter().map(|formal| formal.name)),
        };
        if twice {
            // Nix sorts by symbol first, so of several duplicates it reports the one whose name it met first.
            let mut sorted: Vec<(Symbol, Pos)> = formals
                .iter()
                .map(|formal| (formal.name, formal.pos))
                .collect();
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(self.duplicate_formal(pair[1].0, pair[1].1));
            }
        }
        match param {
            Some(name) if formals.iter().any(|formal| formal.name == name) => {
                Err(self.duplicate_formal(name, pos))
            }
            _ => Ok(()),
        }
    }

    fn duplicate_formal(&self, name: Symbol, pos: Pos) -> Error {
        let message = format!(
            "duplicate formal function argument '{}'",
            super::show::symbol_text(self.interner, name)
        );
        Error::new(ErrorKind::Parse, message).at(pos)
    }
}

/// Whether Nix's tree has a call here although the source has none.
pub(super) fn is_call_in_nix(expr: &Expr) -> bool {
    use BinaryOp::{Div, Greater, Less, Mul, Sub};
    match expr {
        Expr::Negate(_) | Expr::SearchPath(_) => true,
        Expr::Binary(op, ..) => matches!(op, Sub | Mul | Div | Less | Greater),
        _ => false,
    }
}
