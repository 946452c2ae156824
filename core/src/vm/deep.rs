//! Evaluating everything that can be reached from a value.

use super::machine::Vm;
use super::task::{Step, Task};
use crate::error::Result;
use crate::heap::{Marker, Value};
use rustc_hash::FxHashSet;

/// Forces a value and all that it holds, each set and list once, members in the order of their names.
pub(crate) struct DeepForce {
    root: Option<Value>,
    pending: Vec<Value>,
    seen: FxHashSet<usize>,
}

impl DeepForce {
    pub(crate) fn new(value: Value) -> Self {
        DeepForce {
            root: None,
            pending: vec![value],
            seen: FxHashSet::default(),
        }
    }

    fn visit(&mut self, vm: &mut Vm, value: Value) {
        let Some(object) = value.object() else { return };
        if let Some(list) = value.as_list() {
            if self.seen.insert(object.address()) {
                self.pending.extend(list.items().iter().rev());
            }
        } else if let Some(attrs) = value.as_attrs()
            && self.seen.insert(object.address())
        {
            let order: Vec<usize> =
                crate::value::name_order(&mut vm.heap, &vm.interner, attrs).collect();
            self.pending
                .extend(order.into_iter().rev().map(|index| attrs.values()[index]));
        }
    }
}

impl Task for DeepForce {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = value;
        loop {
            let next = match value.take() {
                Some(value) => value,
                None => match self.pending.pop() {
                    Some(value) => value.resolved(),
                    None => return Ok(Step::Done(self.root.unwrap_or(Value::NULL))),
                },
            };
            if next.is_thunk() {
                return Ok(Step::Force(next));
            }
            self.root.get_or_insert(next);
            self.visit(vm, next);
        }
    }

    fn mark(&self, marker: &mut Marker) {
        // What has been seen stays alive with the root, so that an address in `seen` means one object.
        if let Some(root) = self.root {
            marker.value(root);
        }
        marker.values(&self.pending);
    }
}
