//! Coercion to a string, as interpolation and `toString` do it, and joining of what was coerced.

use super::machine::Vm;
use super::messages::{kind_of, show_short};
use super::task::{Step, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value, ValueType};
use crate::print;
use piton_plugin_api::Union;

/// How far a coercion goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coercion {
    /// Also null, bools, numbers and lists.
    pub(crate) more: bool,
    /// A path is copied to the store; else it becomes its text.
    pub(crate) copy_to_store: bool,
}

/// Coerces one value. Lists nest, so what is still to be visited stands on a stack.
pub(crate) struct Coerce {
    coercion: Coercion,
    pending: Vec<Visit>,
    out: Vec<u8>,
    contexts: Union<u32>,
    /// The value being visited or awaited is an element of a list, with others behind it.
    followed: bool,
    /// How deep the value is nested that is being visited or awaited.
    level: u32,
    top: Value,
    /// Whether the top has been visited.
    begun: bool,
    /// Whether the top is a list, of whose elements the string is made; else it is the string of a single value.
    joins: bool,
}

/// Room for an element of a list and its separator: most are store paths.
const ROOM_PER_ITEM: usize = 64;
const MAX_ROOM_ITEMS: usize = 64;

/// What is to be visited; values with how deep they are nested.
enum Visit {
    Value(Value, u32),
    /// An element of a list, with its separator behind it.
    Followed(Value, u32),
    /// The space behind an element.
    Separator,
}

impl Coerce {
    pub(crate) fn new(value: Value, coercion: Coercion) -> Self {
        Coerce {
            coercion,
            pending: Vec::new(),
            out: Vec::new(),
            contexts: Union::default(),
            followed: false,
            level: 0,
            top: value,
            begun: false,
            joins: false,
        }
    }

    fn append(&mut self, vm: &mut Vm, value: Value) -> Result<Option<Step>> {
        match value.value_type() {
            // Nothing of a single string has to be copied.
            ValueType::String if !self.joins => return Ok(Some(Step::Done(value))),
            ValueType::String => {
                vm.contexts.add(&mut self.contexts, value.context());
                self.out
                    .extend_from_slice(value.as_string().unwrap_or_default());
            }
            ValueType::Path => {
                let path = value.as_path().unwrap_or_default();
                if self.coercion.copy_to_store {
                    let (copy, context) = vm.copy_to_store(path)?;
                    vm.contexts.add(&mut self.contexts, context);
                    self.out.extend_from_slice(&copy);
                } else {
                    self.out.extend_from_slice(path);
                }
            }
            ValueType::Attrs => {
                let attrs = value.as_attrs();
                self.level += 1;
                if let Some(function) = attrs.and_then(|attrs| attrs.get(vm.names.to_string)) {
                    return Ok(Some(Step::Call(function, vec![value])));
                }
                if let Some(path) = attrs.and_then(|attrs| attrs.get(vm.names.out_path)) {
                    return Ok(Some(Step::Force(path)));
                }
                return Err(cannot_coerce(vm, value));
            }
            ValueType::List if self.coercion.more => {
                let items = value.as_list().map(|list| list.items()).unwrap_or_default();
                self.joins = true;
                self.out
                    .reserve(ROOM_PER_ITEM * items.len().min(MAX_ROOM_ITEMS));
                self.pending.reserve(2 * items.len());
                let level = self.level + 1;
                for (index, item) in items.iter().enumerate().rev() {
                    if index + 1 < items.len() {
                        self.pending.push(Visit::Separator);
                        self.pending.push(Visit::Followed(*item, level));
                    } else {
                        self.pending.push(Visit::Value(*item, level));
                    }
                }
            }
            ValueType::Null | ValueType::Bool if self.coercion.more => {
                let text: &[u8] = if value == Value::TRUE { b"1" } else { b"" };
                if !self.joins {
                    return Ok(Some(Step::Done(vm.heap.string(text, 0))));
                }
                self.out.extend_from_slice(text);
            }
            ValueType::Int if self.coercion.more => {
                self.out
                    .extend_from_slice(value.as_int().unwrap_or_default().to_string().as_bytes());
            }
            ValueType::Float if self.coercion.more => {
                self.out.extend_from_slice(
                    print::fixed_float(value.as_float().unwrap_or_default()).as_bytes(),
                );
            }
            _ => return Err(cannot_coerce(vm, value)),
        }
        Ok(None)
    }
}

#[cold]
pub(crate) fn cannot_coerce(vm: &mut Vm, value: Value) -> Error {
    let (kind, shown) = (kind_of(vm, value), show_short(vm, value));
    let mut error = Error::new(
        ErrorKind::Type,
        format!("cannot coerce {kind} to a string: {shown}"),
    );
    // Whoever has asked for the string adds the step that tells where.
    error.place_told = true;
    error.found = value.to_word();
    error
}

impl Task for Coerce {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = value;
        loop {
            let next = match value.take() {
                Some(value) => value,
                None if !self.begun => {
                    self.begun = true;
                    self.top.resolved()
                }
                None => match self.pending.pop() {
                    None => {
                        vm.check_string(self.out.len())?;
                        let context = vm.contexts.union_of(std::mem::take(&mut self.contexts));
                        let string = vm.heap.string(&self.out, context);
                        return Ok(Step::Done(string));
                    }
                    Some(Visit::Separator) => {
                        self.out.push(b' ');
                        continue;
                    }
                    Some(Visit::Value(value, level)) => {
                        self.followed = false;
                        self.level = level;
                        value.resolved()
                    }
                    Some(Visit::Followed(value, level)) => {
                        self.followed = true;
                        self.level = level;
                        value.resolved()
                    }
                },
            };
            if self.level > 0 {
                vm.check_nesting(self.level)?;
            }
            if next.is_thunk() {
                return Ok(Step::Force(next));
            }
            // Nix sets no space behind an element that is an empty list; what `__toString` answers is no element.
            if std::mem::take(&mut self.followed)
                && next.as_list().is_some_and(|list| list.is_empty())
            {
                self.pending.pop();
                continue;
            }
            match self.append(vm, next)? {
                None => {}
                // What `outPath` is, most of the time.
                Some(Step::Force(next)) if !next.resolved().is_thunk() => {
                    value = Some(next.resolved());
                }
                Some(step) => return Ok(step),
            }
        }
    }

    fn takes_no_attribute(&self) -> bool {
        // It is an `outPath`.
        self.level > 0
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.top);
        for visit in &self.pending {
            if let Visit::Value(value, _) | Visit::Followed(value, _) = visit {
                marker.value(*value);
            }
        }
    }
}

/// Coerces the elements of a list, one after the other, to a list of strings.
pub(crate) struct CoerceItems {
    items: Vec<Value>,
    next: usize,
    coercion: Coercion,
}

impl CoerceItems {
    pub(crate) fn new(items: &[Value], coercion: Coercion) -> Self {
        CoerceItems {
            items: items.to_vec(),
            next: 0,
            coercion,
        }
    }
}

impl Task for CoerceItems {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        if let Some(value) = value {
            self.items[self.next] = value;
        }
        while let Some(item) = self.items.get_mut(self.next) {
            *item = item.resolved();
            if item.is_string() {
                self.next += 1;
            } else if item.is_thunk() {
                return Ok(Step::Force(*item));
            } else {
                return Ok(Step::push(|| Coerce::new(*item, self.coercion)));
            }
        }
        Ok(Step::Done(vm.heap.list_of(&self.items).value()))
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(&self.items);
    }
}

/// The step of a trace that a part of a string is, and an operand of `+`.
pub(super) const PART: &str = "while evaluating a path segment";

/// Coerces several values and joins them to a string or, after a first part that is one, a path.
pub(super) struct Join {
    parts: Vec<Value>,
    next: usize,
    path: bool,
    coercion: Coercion,
}

impl Join {
    pub(super) fn new(parts: Vec<Value>, path: bool, coercion: Coercion) -> Self {
        Join {
            parts,
            next: 0,
            path,
            coercion,
        }
    }

    fn finish(&self, vm: &mut Vm) -> Result<Value> {
        let mut out = Vec::new();
        let mut contexts = Union::default();
        for part in &self.parts {
            vm.contexts.add(&mut contexts, part.context());
            out.extend_from_slice(
                part.as_string()
                    .or_else(|| part.as_path())
                    .unwrap_or_default(),
            );
        }
        let context = vm.contexts.union_of(contexts);
        vm.check_string(out.len())?;
        if !self.path {
            return Ok(vm.heap.string(&out, context));
        }
        if context != 0 {
            return Err(Error::new(
                ErrorKind::Eval,
                "a string that refers to a store path cannot be appended to a path",
            ));
        }
        if out.contains(&0) {
            return Err(Error::new(
                ErrorKind::Eval,
                "a path cannot hold a null byte",
            ));
        }
        Ok(vm.heap.path(&crate::path::canonical(&out)))
    }
}

impl Task for Join {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        if let Some(value) = value {
            self.parts[self.next] = value;
            self.next += 1;
        }
        while let Some(part) = self.parts.get(self.next) {
            match part.value_type() {
                ValueType::String => self.next += 1,
                ValueType::Path if self.path && self.next == 0 => self.next += 1,
                _ => return Ok(Step::push(|| Coerce::new(*part, self.coercion))),
            }
        }
        self.finish(vm).map(Step::Done)
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(&self.parts);
    }

    fn fail(&mut self, vm: &mut Vm, mut error: Error) -> Result<Value> {
        // Only an error of the coercion itself arrives without any step.
        error.found = 0;
        if error.place_told && error.traces.is_empty() {
            let pos = vm.part_position(self.next);
            error.trace(pos, PART);
        }
        Err(error)
    }
}
