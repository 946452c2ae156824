//! Which place a name refers to.

use crate::source::Pos;
use crate::symbol::Symbol;
use rustc_hash::FxHashMap;

/// Where the value of a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// A register of the body that binds it.
    Register(u16),
    /// An attribute of the set in a register of the body that binds it.
    Attribute { set: u16, name: Symbol },
}

/// The scopes around the expression that is being compiled.
#[derive(Default)]
pub(super) struct Scopes {
    places: FxHashMap<Symbol, Vec<(usize, Place)>>,
    undo: Vec<Symbol>,
    /// `with` scopes, outermost first: function level, register, and where the `with` stands.
    pub(super) withs: Vec<(usize, u16, Pos)>,
}

impl Scopes {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.leave(0);
        self.withs.clear();
    }

    /// Where to go back to with [`Scopes::leave`].
    pub(super) fn enter(&self) -> usize {
        self.undo.len()
    }

    /// Forgets what was bound since.
    pub(super) fn leave(&mut self, mark: usize) {
        for name in self.undo.drain(mark..).rev() {
            if let Some(places) = self.places.get_mut(&name) {
                places.pop();
            }
        }
    }

    /// Binds a name in the body at `level`.
    pub(super) fn bind(&mut self, name: Symbol, level: usize, place: Place) {
        self.places.entry(name).or_default().push((level, place));
        self.undo.push(name);
    }

    /// The innermost place of a name.
    pub(super) fn find(&self, name: Symbol) -> Option<(usize, Place)> {
        self.places.get(&name)?.last().copied()
    }
}
