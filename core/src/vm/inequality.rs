//! What the message of a failed `assert a == b` says: where the two first differ.
//!
//! The comparison that failed has evaluated everything up to there, in the same order, so nothing is evaluated here.

use super::machine::Vm;
use super::messages::{kind_of, show_short};
use crate::error::{Error, ErrorKind};
use crate::heap::{AnyAttrs, Value, ValueType};
use crate::source::Pos;
use crate::symbol::Symbol;

/// A step from the operands towards what differs.
#[derive(Clone, Copy)]
enum Way {
    Attribute(Symbol, [Pos; 2]),
    Element(usize),
    OutPath,
}

/// Two values that were compared, and how many steps lead to them; the last of those.
struct Pair {
    values: [Value; 2],
    depth: usize,
    way: Option<Way>,
}

impl Vm {
    /// The error of the assertion `text`, which stands at `pos`.
    #[cold]
    pub(super) fn inequality(
        &mut self,
        left: Value,
        right: Value,
        text: &str,
        pos: Pos,
    ) -> Option<Error> {
        let mut ways = Vec::new();
        let mut pending = vec![Pair {
            values: [left, right],
            depth: 0,
            way: None,
        }];
        while let Some(pair) = pending.pop() {
            ways.truncate(pair.depth.saturating_sub(1));
            ways.extend(pair.way);
            let [a, b] = pair.values;
            if pair.depth > 0 && a == b {
                continue;
            }
            let (a, b) = (a.resolved(), b.resolved());
            if a.is_thunk() || b.is_thunk() {
                return None;
            }
            if super::equality::shallow(a, b) == Some(true) {
                continue;
            }
            if let Some(message) = self.difference(a, b) {
                return Some(self.inequality_error(message, text, &ways, pos));
            }
            self.members(a, b, pair.depth + 1, &mut pending);
        }
        None
    }

    /// How two values differ, unless it takes a look at their members to tell.
    fn difference(&mut self, a: Value, b: Value) -> Option<String> {
        use ValueType::{Attrs, Bool, Float, Function, Int, List, Path, String};
        let (x, y) = (show_short(self, a), show_short(self, b));
        Some(match (a.value_type(), b.value_type()) {
            (Int | Float, Int | Float) => {
                let (left, right) = (kind_of(self, a), kind_of(self, b));
                format!("{left} with value '{x}' is not equal to {right} with value '{y}'")
            }
            (Bool, Bool) => format!("boolean '{x}' is not equal to boolean '{y}'"),
            (String, String) => format!("string '{x}' is not equal to string '{y}'"),
            (Path, Path) => format!("path '{x}' is not equal to path '{y}'"),
            (Function, Function) => {
                "distinct functions and immediate comparisons of identical functions compare as unequal".to_owned()
            }
            (List, List) => {
                let len = |value: Value| value.as_list().map_or(0, |list| list.len());
                if len(a) == len(b) {
                    return None;
                }
                format!(
                    "list of size '{}' is not equal to list of size '{}', left hand side is '{x}', right hand side is '{y}'",
                    len(a),
                    len(b)
                )
            }
            (Attrs, Attrs) => {
                if self.is_derivation(a) && self.is_derivation(b) {
                    return None;
                }
                let names = |attrs: AnyAttrs| -> Vec<Symbol> {
                    let members = attrs.members().into_iter();
                    members.map(|(entry, _)| entry.name).collect()
                };
                if names(a.as_attrs()?) == names(b.as_attrs()?) {
                    return None;
                }
                format!("attribute names of attribute set '{x}' differs from attribute set '{y}'")
            }
            _ => {
                let (left, right) = (kind_of(self, a), kind_of(self, b));
                format!("{left} of value '{x}' is not equal to {right} of value '{y}'")
            }
        })
    }

    fn is_derivation(&self, set: Value) -> bool {
        set.as_attrs().is_some_and(|attrs| {
            attrs.get(self.names.out_path).is_some()
                && attrs
                    .get(self.names.type_)
                    .is_some_and(|kind| kind.resolved().as_string() == Some(b"derivation"))
        })
    }

    /// Adds the members of two lists or sets, the first one on top.
    fn members(&self, a: Value, b: Value, depth: usize, pending: &mut Vec<Pair>) {
        if let (Some(left), Some(right)) = (a.as_list(), b.as_list()) {
            let pairs = left.items().iter().zip(right.items()).enumerate().rev();
            pending.extend(pairs.map(|(index, (x, y))| Pair {
                values: [*x, *y],
                depth,
                way: Some(Way::Element(index)),
            }));
        }
        let (Some(left), Some(right)) = (a.as_attrs(), b.as_attrs()) else {
            return;
        };
        if self.is_derivation(a)
            && self.is_derivation(b)
            && let (Some(x), Some(y)) = (
                left.get(self.names.out_path),
                right.get(self.names.out_path),
            )
        {
            pending.push(Pair {
                values: [x, y],
                depth,
                way: Some(Way::OutPath),
            });
            return;
        }
        for (entry, x) in left.members().into_iter().rev() {
            if let Some((y, pos)) = right.get_with_pos(entry.name) {
                pending.push(Pair {
                    values: [x, y],
                    depth,
                    way: Some(Way::Attribute(entry.name, [entry.pos, pos])),
                });
            }
        }
    }

    fn inequality_error(&self, message: String, text: &str, ways: &[Way], assertion: Pos) -> Error {
        let mut error = Error::new(ErrorKind::Assertion, message);
        for way in ways.iter().rev() {
            match way {
                Way::Attribute(name, [left, right]) => {
                    let name = self.interner.display(*name);
                    error.trace(*right, "where right hand side is");
                    error.trace(*left, "where left hand side is");
                    error.trace(Pos::NONE, format!("while comparing attribute '{name}'"));
                }
                Way::Element(index) => {
                    error.trace(Pos::NONE, format!("while comparing list element {index}"));
                }
                Way::OutPath => error.trace(
                    Pos::NONE,
                    "while comparing a derivation by its 'outPath' attribute",
                ),
            }
        }
        error.trace(
            assertion,
            format!("while evaluating the condition of the assertion '{text}'"),
        );
        error.place_told = true;
        error
    }
}
