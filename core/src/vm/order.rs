//! `<`: numbers, strings and paths at once; lists by a task.

use super::equality::{Equal, shallow};
use super::machine::Vm;
use super::messages::{kind_of, show_short};
use super::task::{Step, Task};
use crate::bytecode::OperandUse;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value, ValueType};

impl Vm {
    /// Whether `a < b`, if that needs no look into lists. Both are in weak head normal form.
    #[inline]
    pub(crate) fn less_shallow(&mut self, a: Value, b: Value) -> Result<Option<bool>> {
        if let (Some(x), Some(y)) = (a.as_inline_int(), b.as_inline_int()) {
            return Ok(Some(x < y));
        }
        self.less_slow(a, b)
    }

    /// The same for the operator, whose errors show what it is.
    #[inline]
    pub(super) fn less_operands(&mut self, a: Value, b: Value) -> Result<Option<bool>> {
        self.less_shallow(a, b).map_err(|mut error| {
            error.step = Some(OperandUse::Less.step());
            error
        })
    }

    fn less_slow(&mut self, a: Value, b: Value) -> Result<Option<bool>> {
        use ValueType::{Float, Int, List, Path, String};
        let (x, y) = (a.value_type(), b.value_type());
        match (x, y) {
            (Int, Int) => Ok(Some(a.as_int() < b.as_int())),
            (Int | Float, Int | Float) => Ok(Some(a.as_number() < b.as_number())),
            (String, String) => Ok(Some(a.as_string() < b.as_string())),
            (Path, Path) => Ok(Some(a.as_path() < b.as_path())),
            (List, List) => {
                let (Some(left), Some(right)) = (a.as_list(), b.as_list()) else {
                    return Ok(None);
                };
                if left.is_empty() || right.is_empty() {
                    return Ok(Some(left.is_empty() && !right.is_empty()));
                }
                Ok(None)
            }
            _ => {
                let (left, right) = (kind_of(self, a), kind_of(self, b));
                let (first, second) = (show_short(self, a), show_short(self, b));
                let detail = if x == y {
                    format!(
                        "cannot compare {left} with {right}; values of that type are incomparable (values are {first} and {second})"
                    )
                } else {
                    format!("cannot compare {left} with {right}; values are {first} and {second}")
                };
                Err(Error::new(ErrorKind::Type, detail))
            }
        }
    }
}

/// Compares two lists: the first elements that differ decide. Lists within lists are on a stack, and looked at once: to
/// compare the elements for equality first, as the rule has it, and then for order would take the square of the depth.
pub(crate) struct Less {
    /// The lists around the elements that are compared, from the outside.
    lists: Vec<Pair>,
    wanted: bool,
    state: State,
}

/// Two lists, equal up to `index`.
struct Pair {
    left: Value,
    right: Value,
    index: usize,
}

enum State {
    /// Nothing compared at the index yet.
    Next,
    /// The left element is coming.
    Left,
    /// The right element is coming; this is the left one.
    Right(Value),
    /// `==` of these elements is coming, which are no lists.
    Equal(Value, Value),
}

impl Less {
    pub(crate) fn new(left: Value, right: Value, wanted: bool) -> Self {
        Less {
            lists: vec![Pair {
                left,
                right,
                index: 0,
            }],
            wanted,
            state: State::Next,
        }
    }

    fn done(&self, less: bool) -> Step {
        Step::Done(Value::bool(less == self.wanted))
    }

    /// The elements at hand: of the left list, of the right one.
    fn elements(&self) -> (Option<Value>, Option<Value>) {
        let Some(pair) = self.lists.last() else {
            return (None, None);
        };
        let at = |list: Value| {
            let items = list.as_list().map(|list| list.items());
            items.and_then(|items| items.get(pair.index).copied())
        };
        (at(pair.left), at(pair.right))
    }

    /// The elements at hand are equal.
    fn advance(&mut self) {
        if let Some(pair) = self.lists.last_mut() {
            pair.index += 1;
        }
    }

    /// Compares elements in weak head normal form. `None`: goes on with the state that it leaves.
    fn compare(&mut self, vm: &mut Vm, x: Value, y: Value) -> Result<Option<Step>> {
        if x.as_list().is_some() && y.as_list().is_some() {
            self.lists.push(Pair {
                left: x,
                right: y,
                index: 0,
            });
            // In Nix `<` is a call, too.
            vm.check_nesting(self.lists.len() as u32)?;
            return Ok(None);
        }
        match shallow(x, y) {
            Some(true) => {
                self.advance();
                Ok(None)
            }
            Some(false) => self.decide(vm, x, y).map(Some),
            None => {
                self.state = State::Equal(x, y);
                Ok(Some(Step::push(|| Equal::new(x, y, true))))
            }
        }
    }

    /// The elements differ, and are not both lists.
    fn decide(&self, vm: &mut Vm, x: Value, y: Value) -> Result<Step> {
        let less = vm.less_shallow(x, y)?;
        Ok(self.done(less == Some(true)))
    }
}

impl Task for Less {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = value;
        loop {
            let state = std::mem::replace(&mut self.state, State::Next);
            let step = match (state, value.take()) {
                (State::Left, Some(x)) => {
                    let (_, Some(y)) = self.elements() else {
                        return Ok(self.done(false));
                    };
                    let y = y.resolved();
                    if y.is_thunk() {
                        self.state = State::Right(x);
                        return Ok(Step::Force(y));
                    }
                    self.compare(vm, x, y)?
                }
                (State::Right(x), Some(y)) => self.compare(vm, x, y)?,
                (State::Equal(x, y), Some(equal)) => {
                    if equal != Value::TRUE {
                        return self.decide(vm, x, y);
                    }
                    self.advance();
                    None
                }
                _ => match self.elements() {
                    // Both have ended, and are equal: on behind them in the lists around.
                    (None, None) => {
                        self.lists.pop();
                        if self.lists.is_empty() {
                            return Ok(self.done(false));
                        }
                        self.advance();
                        None
                    }
                    (_, None) => return Ok(self.done(false)),
                    (None, _) => return Ok(self.done(true)),
                    // The same cell is equal to itself, whatever it holds, once it is evaluated.
                    (Some(x), Some(y)) if x == y => {
                        let x = x.resolved();
                        if x.is_thunk() {
                            return Ok(Step::Force(x));
                        }
                        self.advance();
                        None
                    }
                    (Some(x), Some(_)) => {
                        let x = x.resolved();
                        self.state = State::Left;
                        if x.is_thunk() {
                            return Ok(Step::Force(x));
                        }
                        value = Some(x);
                        None
                    }
                },
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        for pair in &self.lists {
            marker.value(pair.left);
            marker.value(pair.right);
        }
        match self.state {
            State::Next | State::Left => {}
            State::Right(value) => marker.value(value),
            State::Equal(x, y) => {
                marker.value(x);
                marker.value(y);
            }
        }
    }
}
