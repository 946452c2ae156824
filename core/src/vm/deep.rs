//! Evaluating everything that can be reached from a value.

use super::machine::Vm;
use super::task::{Step, Task};
use super::unwind::{MAX_TRACES, called, push};
use crate::error::{Error, Result};
use crate::heap::{Marker, Object, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use rustc_hash::FxHashSet;
use std::num::NonZeroU16;

/// Forces a value and all that it holds, each set and list once, members in the order of their symbols: that in which names were first read.
pub(crate) struct DeepForce {
    root: Option<Value>,
    /// The lists and sets of which members are left, each within the one before.
    path: Vec<Visit>,
    /// How deep the value is nested that is being visited.
    level: u32,
    seen: Seen,
}

/// A list or set, and which of its members comes next.
struct Visit {
    container: Value,
    next: u32,
    /// How deep its members are nested.
    level: u32,
}

/// Lists and sets that have been visited. After some, the rest is noted in the objects themselves, if this walk gets a number for
/// that: a table would take as much memory as small lists do.
struct Seen {
    table: FxHashSet<usize>,
    walk: Option<NonZeroU16>,
}

/// As many are kept in the table.
const IN_TABLE: usize = 4096;

impl Seen {
    /// Whether it is the first visit.
    fn insert(&mut self, vm: &mut Vm, object: Object) -> bool {
        if self.walk.is_none() && self.table.len() == IN_TABLE {
            self.walk = vm.heap.next_walk();
        }
        let Some(walk) = self.walk else {
            return self.table.insert(object.address());
        };
        // Another walk that came in between may have noted its own number: then it is visited again, in vain.
        if object.walk() == Some(walk) || self.table.contains(&object.address()) {
            return false;
        }
        object.set_walk(walk);
        true
    }
}

impl DeepForce {
    pub(crate) fn new(value: Value) -> Self {
        DeepForce {
            root: Some(value),
            path: Vec::new(),
            level: 0,
            seen: Seen {
                table: FxHashSet::default(),
                walk: None,
            },
        }
    }

    /// Goes into a list or set.
    fn enter(&mut self, vm: &mut Vm, value: Value) -> Result<()> {
        let container = match value.as_attrs() {
            Some(attrs) => crate::value::flat(&mut vm.heap, attrs).value(),
            None => value,
        };
        let has_members = match (container.as_list(), container.as_attrs()) {
            (Some(list), _) => !list.is_empty(),
            (_, Some(attrs)) => !attrs.is_empty(),
            _ => false,
        };
        if has_members
            && let Some(object) = container.object()
            && self.seen.insert(vm, object)
        {
            let level = self.level + 1;
            vm.check_nesting(level)?;
            self.path.push(Visit {
                container,
                next: 0,
                level,
            });
        }
        Ok(())
    }

    /// The member that comes next, and which one that is.
    fn next(&mut self, vm: &mut Vm) -> Option<(Value, Member)> {
        let Visit {
            container,
            next,
            level,
        } = self.path.last_mut()?;
        self.level = *level;
        let index = *next as usize;
        *next += 1;
        let (member, len) = match (container.as_list(), container.as_attrs()) {
            (Some(list), _) => ((list.items()[index], Member::Element(index)), list.len()),
            (_, Some(attrs)) => {
                let attrs = crate::value::flat(&mut vm.heap, attrs);
                let entry = attrs.keys().entries()[index];
                let member = Member::Attribute(entry.name, entry.pos);
                ((attrs.values()[index], member), attrs.len())
            }
            _ => return None,
        };
        if index + 1 == len {
            // Before the last member is entered: a chain of pairs takes no more than its first.
            self.path.pop();
        }
        Some(member)
    }
}

/// What of a list or set is evaluated.
enum Member {
    Element(usize),
    Attribute(Symbol, Pos),
}

/// The way to the first member, in the order of the walk, that has no value, as far as steps of a trace are kept.
fn way_to_failed(vm: &mut Vm, root: Value) -> Vec<Member> {
    let mut walk = DeepForce::new(root);
    let mut way = Vec::new();
    let mut value = root.resolved();
    while !value.is_thunk() {
        let entered = walk.enter(vm, value);
        let (Ok(()), Some((next, member))) = (entered, walk.next(vm)) else {
            return Vec::new();
        };
        way.truncate(walk.level as usize - 1);
        if way.len() < MAX_TRACES {
            way.push(member);
        }
        value = next.resolved();
    }
    way
}

impl Task for DeepForce {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = match value {
            Some(value) => value,
            None => self.root.unwrap_or(Value::NULL).resolved(),
        };
        loop {
            if value.is_thunk() {
                return Ok(Step::Force(value));
            }
            if self.level == 0 {
                self.root = Some(value);
            }
            self.enter(vm, value)?;
            value = match self.next(vm) {
                Some((value, _)) => value.resolved(),
                None => return Ok(Step::Done(self.root.unwrap_or(Value::NULL))),
            };
        }
    }

    fn fail(&mut self, vm: &mut Vm, mut error: Error) -> Result<Value> {
        // Where memory has run out, steps by the thousand would take more of it.
        if vm.is_caught(&error) || vm.is_out_of_memory() {
            return Err(error);
        }
        // The walk takes no notes of where it is: it is made once more, over what has been evaluated.
        let way = self
            .root
            .map_or_else(Vec::new, |root| way_to_failed(vm, root));
        if let Some(pos) = error.applied.take()
            && !way.is_empty()
        {
            error = called(error, pos);
        }
        for (level, member) in way.iter().enumerate().rev() {
            match *member {
                Member::Element(index) => {
                    let text = format!("while evaluating list element at index {index}");
                    push(&mut error, Pos::NONE, text);
                }
                Member::Attribute(name, pos) => {
                    let text = vm.attribute_step(name);
                    // The frame of the thunk has told that, unless a call has taken its place.
                    let told = error.traces.last().filter(|_| level + 1 == way.len());
                    if told.is_none_or(|told| told.pos != pos || told.text != text) {
                        push(&mut error, pos, text);
                    }
                }
            }
        }
        Err(error)
    }

    fn mark(&self, marker: &mut Marker) {
        // What has been seen stays alive with the root, so that an address in `seen` means one object.
        if let Some(root) = self.root {
            marker.value(root);
        }
        for visit in &self.path {
            marker.value(visit.container);
        }
    }
}
