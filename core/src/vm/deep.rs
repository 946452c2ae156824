//! Evaluating everything that can be reached from a value.

use super::machine::Vm;
use super::task::{Step, Task};
use crate::error::Result;
use crate::heap::{Marker, Value};
use rustc_hash::FxHashSet;

/// Forces a value and all that it holds, each set and list once, members in the order of their names.
pub(crate) struct DeepForce {
    root: Option<Value>,
    /// What is still to be visited, with how deep it is nested.
    pending: Vec<(Value, u32)>,
    /// How deep the value is nested that is being visited.
    level: u32,
    seen: FxHashSet<usize>,
}

impl DeepForce {
    pub(crate) fn new(value: Value) -> Self {
        DeepForce {
            root: None,
            pending: vec![(value, 0)],
            level: 0,
            seen: FxHashSet::default(),
        }
    }

    fn visit(&mut self, vm: &mut Vm, value: Value) {
        let level = self.level + 1;
        let Some(object) = value.object() else { return };
        if let Some(list) = value.as_list() {
            if self.seen.insert(object.address()) {
                let items = list.items().iter().rev();
                self.pending.extend(items.map(|item| (*item, level)));
            }
        } else if let Some(attrs) = value.as_attrs()
            && self.seen.insert(object.address())
        {
            let attrs = crate::value::flat(&mut vm.heap, attrs);
            let order: Vec<usize> =
                crate::value::name_order(&mut vm.heap, &vm.interner, attrs).collect();
            let members = order.into_iter().rev();
            self.pending
                .extend(members.map(|index| (attrs.values()[index], level)));
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
                    Some((value, level)) => {
                        if level > self.level {
                            vm.check_nesting(level)?;
                        }
                        self.level = level;
                        value.resolved()
                    }
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
        for (value, _) in &self.pending {
            marker.value(*value);
        }
    }
}
