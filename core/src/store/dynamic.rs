//! Inputs that are outputs of derivations which are outputs themselves: a derivation knows them by the way that leads to them.
//! Its text has them as a tree, below the outermost derivation. The ways may be long, so nothing here recurses.

use super::derivation::{OutputNames, Text};

/// The outputs on the way from a derivation to what is needed, at least two: the first is one of its own.
pub type Way<'a> = Vec<Text<'a>>;

/// A derivation, the outputs that are needed of it, and its ways.
pub type Input<'d, 'a> = (&'d [u8], &'d [Text<'a>], &'d [(Text<'a>, Way<'a>)]);

/// What is needed of one derivation, as a tree of outputs.
pub struct Tree<'d> {
    nodes: Vec<Node<'d>>,
}

/// What is needed of a derivation that is an output.
#[derive(Default)]
struct Node<'d> {
    outputs: Vec<&'d [u8]>,
    /// Outputs that are derivations of which something is needed, and where their nodes are.
    children: Vec<(&'d [u8], usize)>,
}

/// A step of a walk through a [`Tree`].
pub enum Visit<'t> {
    /// A derivation: the outputs that are needed of it, and whether some are needed as derivations.
    Enter(&'t [&'t [u8]], bool),
    /// One of those, with its number; its own visits follow.
    Output(&'t [u8], usize),
    /// Its visits are done.
    OutputDone,
    /// The derivation has no more such outputs.
    Leave(&'t [&'t [u8]], bool),
}

impl<'d> Tree<'d> {
    /// The tree of outputs of the derivation itself, and of ways that start there; both sorted.
    pub fn new(
        outputs: impl IntoIterator<Item = &'d [u8]>,
        ways: impl IntoIterator<Item = &'d [Text<'d>]>,
    ) -> Self {
        let root = Node {
            outputs: outputs.into_iter().collect(),
            children: Vec::new(),
        };
        let mut nodes = vec![root];
        for way in ways {
            let Some((last, derivations)) = way.split_last() else {
                continue;
            };
            let mut at = 0;
            for name in derivations {
                // Ways are sorted, so what they share was added last.
                at = match nodes[at].children.last() {
                    Some((known, child)) if **known == **name => *child,
                    _ => {
                        let child = nodes.len();
                        nodes[at].children.push((name, child));
                        nodes.push(Node::default());
                        child
                    }
                };
            }
            nodes[at].outputs.push(last);
        }
        Tree { nodes }
    }

    /// Walks through the tree, depth first.
    pub fn walk<E>(&self, mut visit: impl FnMut(Visit<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut open = vec![(0, 0)];
        while let Some((at, next)) = open.last_mut() {
            let node = &self.nodes[*at];
            let inner = !node.children.is_empty();
            if *next == 0 {
                visit(Visit::Enter(&node.outputs, inner))?;
            } else {
                visit(Visit::OutputDone)?;
            }
            match node.children.get(*next) {
                Some((name, child)) => {
                    visit(Visit::Output(name, *next))?;
                    *next += 1;
                    open.push((*child, 0));
                }
                None => {
                    visit(Visit::Leave(&node.outputs, inner))?;
                    open.pop();
                }
            }
        }
        Ok(())
    }
}

/// All inputs by derivation: those whose outputs are needed, and those from which ways lead on. Both are sorted.
pub(super) fn merged<'d, 'a>(
    plain: &'d [(Text<'a>, OutputNames<'a>)],
    dynamic: &'d [(Text<'a>, Way<'a>)],
) -> Vec<Input<'d, 'a>> {
    let mut inputs = Vec::with_capacity(plain.len() + 1);
    let (mut plain, mut dynamic) = (plain, dynamic);
    loop {
        let path: &[u8] = match (plain.first(), dynamic.first()) {
            (None, None) => return inputs,
            (Some((path, _)), None) | (None, Some((path, _))) => path,
            (Some((a, _)), Some((b, _))) => a.min(b),
        };
        let mut outputs: &[Text<'a>] = &[];
        if let Some((first, rest)) = plain.split_first()
            && *first.0 == *path
        {
            (outputs, plain) = (&first.1, rest);
        }
        let count = dynamic.iter().take_while(|(at, _)| **at == *path).count();
        let (ways, rest) = dynamic.split_at(count);
        dynamic = rest;
        inputs.push((path, outputs, ways));
    }
}
