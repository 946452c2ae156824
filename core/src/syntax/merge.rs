//! Sets in which names repeat: `a.b = 1; a.c = 2;` and `a = { b = 1; }; a.c = 2;` give one set `a`, as in Nix. This is the
//! slow way to collect a set, taken only when the first names of its paths are not distinct.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::ast::{AttrName, AttrsNode, Binding, BindingKind, DynamicBinding, Expr, ExprId, Run};
use super::build::Builder;
use super::show;
use super::stack::with_stack;
use crate::error::{Error, ErrorKind, Result};
use crate::source::Pos;
use crate::symbol::Symbol;

/// A set that may still grow.
#[derive(Default)]
struct Growing {
    by_name: FxHashMap<Symbol, usize>,
    bindings: Vec<Binding>,
    dynamic: Vec<DynamicBinding>,
    froms: Vec<ExprId>,
}

/// Index of a [`Growing`] set; the first is the one being collected.
#[derive(Clone, Copy)]
struct SetIndex(usize);

struct Merger<'b, 'a> {
    builder: &'b mut Builder<'a>,
    sets: Vec<Growing>,
    /// The node of each set but the first, in step with `sets`.
    nodes: Vec<Option<ExprId>>,
    by_node: FxHashMap<ExprId, SetIndex>,
}

/// Collects `entries`, with the `inherit` sources `froms`, both ranges of the builder's stacks.
pub(super) fn collect(
    builder: &mut Builder<'_>,
    entries: Range<usize>,
    froms: Range<usize>,
    recursive: bool,
) -> Result<AttrsNode> {
    let froms = builder.memory.froms[froms].to_vec();
    let mut merger = Merger {
        builder,
        sets: vec![Growing {
            froms,
            ..Growing::default()
        }],
        nodes: vec![None],
        by_node: FxHashMap::default(),
    };
    for index in entries {
        merger.entry(index)?;
    }
    Ok(merger.finish(recursive))
}

impl Merger<'_, '_> {
    fn entry(&mut self, index: usize) -> Result<()> {
        let entry = self.builder.memory.entries[index];
        let mut path = vec![entry.first];
        path.extend_from_slice(&self.builder.memory.components[entry.rest.range()]);
        let top = SetIndex(0);
        if entry.kind != BindingKind::Plain {
            let AttrName::Static(name) = entry.first else {
                return Ok(());
            };
            let binding = Binding {
                name,
                pos: entry.pos,
                kind: entry.kind,
                value: entry.value,
            };
            return match self.find(top, name) {
                Some(earlier) => Err(self.duplicate(&path, entry.pos, earlier.pos)),
                None => {
                    self.insert(top, binding);
                    Ok(())
                }
            };
        }
        let mut set = top;
        for (depth, component) in path[..path.len() - 1].iter().enumerate() {
            set = match *component {
                AttrName::Static(name) => match self.find(set, name) {
                    Some(earlier) => match self.grow(earlier.value) {
                        Some(inner) => inner,
                        None => {
                            return Err(self.duplicate(&path[..=depth], entry.pos, earlier.pos));
                        }
                    },
                    None => {
                        let (node, inner) = self.new_set();
                        self.insert(
                            set,
                            Binding {
                                name,
                                pos: entry.pos,
                                kind: BindingKind::Plain,
                                value: node,
                            },
                        );
                        inner
                    }
                },
                AttrName::Dynamic(name) => {
                    let (node, inner) = self.new_set();
                    self.sets[set.0].dynamic.push(DynamicBinding {
                        name,
                        value: node,
                        pos: entry.pos,
                    });
                    inner
                }
            };
        }
        match path[path.len() - 1] {
            AttrName::Static(name) => {
                let binding = Binding {
                    name,
                    pos: entry.pos,
                    kind: BindingKind::Plain,
                    value: entry.value,
                };
                self.add(set, &mut path, binding)
            }
            AttrName::Dynamic(name) => {
                self.sets[set.0].dynamic.push(DynamicBinding {
                    name,
                    value: entry.value,
                    pos: entry.pos,
                });
                Ok(())
            }
        }
    }

    /// Adds a binding to `set`; two sets under one name become one. `path` is for the message. A `rec` of the later set is
    /// lost and one of the earlier applies to both, as in Nix.
    fn add(&mut self, set: SetIndex, path: &mut Vec<AttrName>, binding: Binding) -> Result<()> {
        let Some(earlier) = self.find(set, binding.name) else {
            self.insert(set, binding);
            return Ok(());
        };
        let (Some(target), Some(source)) = (self.grow(earlier.value), self.grow(binding.value))
        else {
            return Err(self.duplicate(path, binding.pos, earlier.pos));
        };
        let moved = std::mem::take(&mut self.sets[source.0]);
        let shift = self.sets[target.0].froms.len() as u32;
        for inner in moved.bindings {
            if let Expr::InheritFrom { from, .. } =
                &mut self.builder.ast.exprs[inner.value.0 as usize]
                && inner.kind == BindingKind::InheritedFrom
            {
                *from += shift;
            }
            path.push(AttrName::Static(inner.name));
            with_stack(|| self.add(target, path, inner))?;
            path.pop();
        }
        let target = &mut self.sets[target.0];
        target.dynamic.extend(moved.dynamic);
        target.froms.extend(moved.froms);
        Ok(())
    }

    fn find(&self, set: SetIndex, name: Symbol) -> Option<Binding> {
        let set = &self.sets[set.0];
        set.by_name.get(&name).map(|index| set.bindings[*index])
    }

    fn insert(&mut self, set: SetIndex, binding: Binding) {
        let set = &mut self.sets[set.0];
        set.by_name.insert(binding.name, set.bindings.len());
        set.bindings.push(binding);
    }

    fn new_set(&mut self) -> (ExprId, SetIndex) {
        let node = self
            .builder
            .ast
            .push(Expr::Attrs(AttrsNode::default()), Pos::NONE);
        (node, self.register(node, Growing::default()))
    }

    fn register(&mut self, node: ExprId, growing: Growing) -> SetIndex {
        let index = SetIndex(self.sets.len());
        self.sets.push(growing);
        self.nodes.push(Some(node));
        self.by_node.insert(node, index);
        index
    }

    /// The growing form of the set that `node` is, if it is one.
    fn grow(&mut self, node: ExprId) -> Option<SetIndex> {
        if let Some(index) = self.by_node.get(&node) {
            return Some(*index);
        }
        let ast = &self.builder.ast;
        let Expr::Attrs(attrs) = ast.expr(node) else {
            return None;
        };
        let bindings = ast.bindings[attrs.bindings.range()].to_vec();
        let growing = Growing {
            by_name: bindings
                .iter()
                .enumerate()
                .map(|(index, binding)| (binding.name, index))
                .collect(),
            bindings,
            dynamic: ast.dynamic_bindings[attrs.dynamic.range()].to_vec(),
            froms: ast.ids[attrs.inherit_from.range()].to_vec(),
        };
        Some(self.register(node, growing))
    }

    /// Writes the sets to the tables of the tree.
    fn finish(self, recursive: bool) -> AttrsNode {
        let ast = &mut self.builder.ast;
        let mut top = None;
        for (set, node) in self.sets.into_iter().zip(self.nodes) {
            let mut attrs = AttrsNode {
                recursive,
                bindings: Run {
                    start: ast.bindings.len() as u32,
                    len: set.bindings.len() as u32,
                },
                dynamic: Run {
                    start: ast.dynamic_bindings.len() as u32,
                    len: set.dynamic.len() as u32,
                },
                inherit_from: Run {
                    start: ast.ids.len() as u32,
                    len: set.froms.len() as u32,
                },
            };
            ast.bindings.extend(set.bindings);
            ast.dynamic_bindings.extend(set.dynamic);
            ast.ids.extend(set.froms);
            match node {
                None => top = Some(attrs),
                Some(id) => {
                    if let Expr::Attrs(old) = ast.expr(id) {
                        attrs.recursive = old.recursive;
                    }
                    ast.exprs[id.0 as usize] = Expr::Attrs(attrs);
                }
            }
        }
        top.unwrap_or_default()
    }

    fn duplicate(&self, path: &[AttrName], pos: Pos, earlier: Pos) -> Error {
        let path = show::attr_path_text(&self.builder.ast, self.builder.interner, path);
        let place = self.builder.place(earlier);
        Error::new(
            ErrorKind::Parse,
            format!("attribute '{path}' already defined at {place}"),
        )
        .at(pos)
    }
}
