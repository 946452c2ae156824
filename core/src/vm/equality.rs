//! `==`: what can be told at once, and a task for the rest.

use super::machine::Vm;
use super::task::{Step, Task};
use crate::error::Result;
use crate::heap::{Form, Keys, Marker, Value, ValueType};

/// Whether two values in weak head normal form are equal, if that needs no look into sets and lists.
///
/// Functions are never equal here: only as members of lists and sets does their identity count.
#[inline]
pub(super) fn shallow(a: Value, b: Value) -> Option<bool> {
    if let (Some(x), Some(y)) = (a.as_inline_int(), b.as_inline_int()) {
        return Some(x == y);
    }
    shallow_slow(a, b)
}

fn shallow_slow(a: Value, b: Value) -> Option<bool> {
    // Strings are compared most often.
    if let (Some(x), Some(y)) = (a.as_string(), b.as_string()) {
        return Some(x == y);
    }
    use ValueType::{Attrs, Bool, Float, Function, Int, List, Null, Path, Thunk};
    let (x, y) = (a.value_type(), b.value_type());
    Some(match (x, y) {
        (Int, Int) => a.as_int() == b.as_int(),
        (Int | Float, Int | Float) => a.as_number() == b.as_number(),
        (Null, Null) => true,
        (Bool, Bool) => a == b,
        (Path, Path) => a.as_path() == b.as_path(),
        (List, List) => {
            let (left, right) = (a.as_list()?, b.as_list()?);
            if left.len() != right.len() {
                return Some(false);
            }
            if left.is_empty() {
                return Some(true);
            }
            return None;
        }
        (Attrs, Attrs) => {
            if a.as_attrs()?.is_empty() && b.as_attrs()?.is_empty() {
                return Some(true);
            }
            return None;
        }
        (Thunk, _) | (_, Thunk) => return None,
        (Function, Function) => false,
        _ => false,
    })
}

/// How many values are looked at at once, and how deep in lists and sets: enough for what is compared over and over, few enough to be looked
/// at again by the task.
const AT_ONCE: u32 = 64;
const NESTED_AT_ONCE: u32 = 8;

impl Vm {
    /// Whether two values are equal, as [`Equal`] tells, if that takes few looks and no evaluation. `cells`: whether they are cells, as all
    /// members are.
    pub(crate) fn equal_at_once(&mut self, a: Value, b: Value, cells: bool) -> Option<bool> {
        self.check_nesting(NESTED_AT_ONCE).ok()?;
        let mut looks = AT_ONCE;
        self.equal_within(a, b, cells, NESTED_AT_ONCE, &mut looks)
    }

    fn equal_within(
        &mut self,
        a: Value,
        b: Value,
        cells: bool,
        depth: u32,
        looks: &mut u32,
    ) -> Option<bool> {
        *looks = looks.checked_sub(1)?;
        let same_cell = cells && a == b;
        let (a, b) = (a.resolved(), b.resolved());
        if a.is_thunk() || b.is_thunk() {
            return None;
        }
        if same_cell {
            return Some(true);
        }
        if let Some(equal) = shallow(a, b) {
            return Some(equal);
        }
        let depth = depth.checked_sub(1)?;
        let (left, right) = match (a.as_list(), b.as_list()) {
            (Some(left), Some(right)) => (left.items(), right.items()),
            _ => {
                let (left, right) = (a.as_attrs()?, b.as_attrs()?);
                // Derivations are compared otherwise, and layers would have to be laid out.
                if left.get(self.names.type_).is_some() {
                    return None;
                }
                if left.len() != right.len() {
                    return Some(false);
                }
                let (Form::Flat(left), Form::Flat(right)) = (left.form(), right.form()) else {
                    return None;
                };
                if !same_names(left.keys(), right.keys()) {
                    return Some(false);
                }
                if left == right && left.is_settled() {
                    return Some(true);
                }
                (left.values(), right.values())
            }
        };
        for (a, b) in left.iter().zip(right) {
            if !self.equal_within(*a, *b, true, depth, looks)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

fn same_names(x: Keys, y: Keys) -> bool {
    x == y
        || x.entries()
            .iter()
            .map(|entry| entry.name)
            .eq(y.entries().iter().map(|entry| entry.name))
}

/// Compares two values, however deep.
pub(crate) struct Equal {
    /// Pairs still to be compared, each with how deep it is nested; each may hold thunks.
    pending: Vec<(Value, Value, u32)>,
    /// How deep the pair is nested that is being compared.
    level: u32,
    /// The answer if they are equal.
    wanted: bool,
    /// Whether the first pair are cells, as all members are.
    cells: bool,
    /// What is being waited for.
    awaited: Awaited,
}

enum Awaited {
    Nothing,
    /// The left side of this pair.
    Left(Value),
    /// The right side of a pair whose left side is this.
    Right(Value),
    /// `outPath` of two derivations: of the first, then of the second.
    Type(Value, Value),
    OtherType(Value, Value),
}

impl Equal {
    /// Compares two values, whose cells do not count: operands, or members of which it is known that their cells differ.
    pub(crate) fn new(a: Value, b: Value, wanted: bool) -> Self {
        Equal {
            pending: vec![(a, b, 0)],
            level: 0,
            wanted,
            cells: false,
            awaited: Awaited::Nothing,
        }
    }

    /// Compares two cells.
    pub(crate) fn of_cells(a: Value, b: Value) -> Self {
        Equal {
            cells: true,
            ..Self::new(a, b, true)
        }
    }

    /// Compares one pair in weak head normal form. `None`: pairs were added or `type` of a set is awaited.
    fn compare(&mut self, vm: &mut Vm, a: Value, b: Value) -> Compared {
        if let Some(equal) = shallow(a, b) {
            return if equal {
                Compared::Same
            } else {
                Compared::Different
            };
        }
        if let (Some(left), Some(right)) = (a.as_list(), b.as_list()) {
            self.add(left.items(), right.items());
            return Compared::Same;
        }
        let (Some(left), Some(_)) = (a.as_attrs(), b.as_attrs()) else {
            return Compared::Different;
        };
        // Whether the left one is a derivation is asked first, whatever the other is.
        if let Some(kind) = left.get(vm.names.type_) {
            self.awaited = Awaited::Type(a, b);
            return Compared::Await(kind);
        }
        self.members(vm, a, b)
    }

    fn members(&mut self, vm: &mut Vm, a: Value, b: Value) -> Compared {
        let (Some(left), Some(right)) = (a.as_attrs(), b.as_attrs()) else {
            return Compared::Different;
        };
        if left.len() != right.len() {
            return Compared::Different;
        }
        let left = crate::value::flat(&mut vm.heap, left);
        let right = crate::value::flat(&mut vm.heap, right);
        if !same_names(left.keys(), right.keys()) {
            return Compared::Different;
        }
        // A set that is compared with itself, as platforms are for each package, may have many members.
        if left == right && left.is_settled() {
            self.look_at_depth(left.values(), right.values());
        } else if self.add(left.values(), right.values()) && left == right {
            left.settle();
        }
        Compared::Same
    }

    /// Members of the pair at hand, to be compared from the first on. A cell that is evaluated is equal to itself: whether all of them are
    /// that.
    fn add(&mut self, left: &[Value], right: &[Value]) -> bool {
        let level = self.level + 1;
        let known = self.pending.len();
        let is_evaluated =
            |value: Value| value.as_thunk().is_none_or(|thunk| thunk.value().is_some());
        let pairs = left
            .iter()
            .zip(right)
            .rev()
            .filter(|(left, right)| left != right || !is_evaluated(**left));
        self.pending
            .extend(pairs.map(|(left, right)| (*left, *right, level)));
        let are_known = self.pending.len() == known;
        if are_known {
            self.look_at_depth(left, right);
        }
        are_known
    }

    /// How deep the members are nested is looked at in any case.
    fn look_at_depth(&mut self, left: &[Value], right: &[Value]) {
        if let (Some(left), Some(right)) = (left.first(), right.first()) {
            self.pending.push((*left, *right, self.level + 1));
        }
    }

    /// Two sets whose `type` both are "derivation" are equal if their `outPath`s are.
    fn derivations(&mut self, vm: &mut Vm, a: Value, b: Value) -> Compared {
        let out = |value: Value| {
            value
                .as_attrs()
                .and_then(|attrs| attrs.get(vm.names.out_path))
        };
        match (out(a), out(b)) {
            (Some(x), Some(y)) => {
                self.pending.push((x, y, self.level + 1));
                Compared::Same
            }
            _ => self.members(vm, a, b),
        }
    }
}

enum Compared {
    Same,
    Different,
    Await(Value),
}

impl Task for Equal {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut incoming = value;
        loop {
            let compared = match (
                std::mem::replace(&mut self.awaited, Awaited::Nothing),
                incoming.take(),
            ) {
                (Awaited::Left(b), Some(a)) => {
                    let b = b.resolved();
                    if b.is_thunk() {
                        self.awaited = Awaited::Right(a);
                        return Ok(Step::Force(b));
                    }
                    self.compare(vm, a, b)
                }
                (Awaited::Right(a), Some(b)) => self.compare(vm, a, b),
                (Awaited::Type(a, b), Some(kind)) => {
                    if kind.as_string() == Some(b"derivation")
                        && let Some(kind) = b.as_attrs().and_then(|attrs| attrs.get(vm.names.type_))
                    {
                        self.awaited = Awaited::OtherType(a, b);
                        Compared::Await(kind)
                    } else {
                        self.members(vm, a, b)
                    }
                }
                (Awaited::OtherType(a, b), Some(kind)) => {
                    if kind.as_string() == Some(b"derivation") {
                        self.derivations(vm, a, b)
                    } else {
                        self.members(vm, a, b)
                    }
                }
                _ => {
                    let Some((a, b, level)) = self.pending.pop() else {
                        return Ok(Step::Done(Value::bool(self.wanted)));
                    };
                    if level > self.level {
                        vm.check_nesting(level)?;
                    }
                    self.level = level;
                    let same_cell = a == b && (level > 0 || self.cells);
                    let (a, b) = (a.resolved(), b.resolved());
                    // The same cell is equal to itself, whatever it holds: Nix compares addresses once both are evaluated. Without this,
                    // cyclic data would never end. Operands of `==` have no cells: `s == s` looks at the members of the set.
                    if same_cell {
                        if a.is_thunk() {
                            return Ok(Step::Force(a));
                        }
                        Compared::Same
                    } else {
                        if a.is_thunk() {
                            self.awaited = Awaited::Left(b);
                            return Ok(Step::Force(a));
                        }
                        if b.is_thunk() {
                            self.awaited = Awaited::Right(a);
                            return Ok(Step::Force(b));
                        }
                        self.compare(vm, a, b)
                    }
                }
            };
            match compared {
                Compared::Same => {}
                Compared::Different => return Ok(Step::Done(Value::bool(!self.wanted))),
                Compared::Await(value) => {
                    let value = value.resolved();
                    if value.is_thunk() {
                        return Ok(Step::Force(value));
                    }
                    incoming = Some(value);
                }
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        for (a, b, _) in &self.pending {
            marker.value(*a);
            marker.value(*b);
        }
        match self.awaited {
            Awaited::Nothing => {}
            Awaited::Left(value) | Awaited::Right(value) => marker.value(value),
            Awaited::Type(a, b) | Awaited::OtherType(a, b) => {
                marker.value(a);
                marker.value(b);
            }
        }
    }
}
