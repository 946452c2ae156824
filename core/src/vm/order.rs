//! `<`: numbers, strings and paths at once; lists by a task.

use super::equality::{Equal, shallow};
use super::machine::Vm;
use super::messages::{kind_of, show_short};
use super::task::{Step, Task};
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
                let (left, right) = (kind_of(a), kind_of(b));
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

/// Compares two lists: the first elements that differ decide.
pub(crate) struct Less {
    a: Value,
    b: Value,
    /// Element at which the comparison is.
    index: usize,
    wanted: bool,
    state: State,
}

enum State {
    /// Nothing compared at `index` yet.
    Next,
    /// `==` of the elements is coming.
    Equal,
    /// The left element is coming.
    Left,
    /// The right element is coming; this is the left one.
    Right(Value),
    /// `<` of the elements, both lists, is coming.
    Inner,
}

impl Less {
    pub(crate) fn new(a: Value, b: Value, wanted: bool) -> Self {
        Less {
            a,
            b,
            index: 0,
            wanted,
            state: State::Next,
        }
    }

    fn done(&self, less: bool) -> Step {
        Step::Done(Value::bool(less == self.wanted))
    }

    fn elements(&self) -> (Option<Value>, Option<Value>) {
        let at = |list: Value| {
            list.as_list()
                .and_then(|list| list.items().get(self.index).copied())
        };
        (at(self.a), at(self.b))
    }

    fn decide(&mut self, vm: &mut Vm, x: Value, y: Value) -> Result<Step> {
        match vm.less_shallow(x, y)? {
            Some(less) => Ok(self.done(less)),
            None => {
                self.state = State::Inner;
                Ok(Step::Push(Box::new(Less::new(x, y, true))))
            }
        }
    }
}

impl Task for Less {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = value;
        loop {
            match (
                std::mem::replace(&mut self.state, State::Next),
                value.take(),
            ) {
                (State::Inner, Some(less)) => return Ok(self.done(less == Value::TRUE)),
                (State::Left, Some(x)) => {
                    let (_, Some(y)) = self.elements() else {
                        return Ok(self.done(false));
                    };
                    let y = y.resolved();
                    if y.is_thunk() {
                        self.state = State::Right(x);
                        return Ok(Step::Force(y));
                    }
                    return self.decide(vm, x, y);
                }
                (State::Right(x), Some(y)) => return self.decide(vm, x, y),
                (State::Equal, Some(equal)) => {
                    if equal == Value::TRUE {
                        self.index += 1;
                        continue;
                    }
                    let (Some(x), _) = self.elements() else {
                        return Ok(self.done(false));
                    };
                    let x = x.resolved();
                    self.state = State::Left;
                    if x.is_thunk() {
                        return Ok(Step::Force(x));
                    }
                    value = Some(x);
                }
                _ => match self.elements() {
                    (_, None) => return Ok(self.done(false)),
                    (None, _) => return Ok(self.done(true)),
                    (Some(x), Some(y)) => {
                        self.state = State::Equal;
                        match if x == y {
                            Some(true)
                        } else {
                            shallow(x.resolved(), y.resolved())
                        } {
                            Some(equal) => value = Some(Value::bool(equal)),
                            None => return Ok(Step::Push(Box::new(Equal::new(x, y, true)))),
                        }
                    }
                },
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.a);
        marker.value(self.b);
        if let State::Right(value) = self.state {
            marker.value(value);
        }
    }
}
