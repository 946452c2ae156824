//! How deep a walk over data is nested, and that it does not go deeper than calls may: data that contains itself ends there.

/// The levels around the place where a walk is. The value at the place is one deeper than what holds it, or than the set that it
/// stands for.
pub struct Nesting {
    /// Of the value at hand.
    level: usize,
    /// Of the containers that are open.
    open: Vec<usize>,
    /// The deepest that was asked about: the walk ends where it is not permitted.
    permitted: usize,
}

impl Nesting {
    /// A walk that has not begun.
    pub fn new() -> Self {
        Nesting {
            level: 0,
            open: Vec::new(),
            permitted: 0,
        }
    }

    /// The walk looks at a value: how deep that is, where [`piton_plugin_api::Cx::check_nesting`] has not been asked about it.
    #[inline]
    pub fn deeper(&mut self) -> Option<usize> {
        let is_deeper = self.level > self.permitted;
        if is_deeper {
            self.permitted = self.level;
        }
        is_deeper.then_some(self.level)
    }

    /// The walk enters the container at hand.
    pub fn enter(&mut self) {
        self.open.push(self.level);
        self.level += 1;
    }

    /// The walk goes on with what stands for the set at hand.
    pub fn replace(&mut self) {
        self.level += 1;
    }

    /// The walk is done with a value, and goes on with the next one in the container around it.
    pub fn settle(&mut self) {
        self.level = self.open.last().map_or(0, |level| level + 1);
    }

    /// The walk leaves the container that it is in.
    pub fn leave(&mut self) {
        self.open.pop();
        self.settle();
    }
}
