//! Values in messages: "an integer: 1", and names that were probably meant.

use super::machine::Vm;
use crate::heap::{Value, ValueType};
use crate::print::{PrintLimits, print_value};
use crate::symbol::{Interner, Symbol};
use std::borrow::Cow;

/// The type with its article, as messages have it.
pub fn indefinite_type(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Null => "null",
        ValueType::Bool => "a Boolean",
        ValueType::Int => "an integer",
        ValueType::Float => "a float",
        ValueType::String => "a string",
        ValueType::Path => "a path",
        ValueType::List => "a list",
        ValueType::Attrs => "a set",
        ValueType::Function => "a function",
        ValueType::Thunk => "a thunk",
    }
}

/// The value, shortened for a message.
pub fn show_short(vm: &mut Vm, value: Value) -> String {
    String::from_utf8_lossy(&print_value(vm, value, PrintLimits::MESSAGE)).into_owned()
}

/// What a value is, with its article; builtins are told by their names.
pub(crate) fn kind_of(vm: &Vm, value: Value) -> Cow<'static, str> {
    if value.context() != 0 {
        return "a string with context".into();
    }
    if let Some(builtin) = value.as_builtin() {
        return format!("the built-in function '{}'", vm.host.name(builtin)).into();
    }
    let partial = value.as_partial();
    if let Some(builtin) = partial.and_then(|partial| partial.function().as_builtin()) {
        let name = vm.host.name(builtin);
        return format!("the partially applied built-in function '{name}'").into();
    }
    indefinite_type(value.value_type()).into()
}

/// "an integer: 1"
pub(crate) fn describe(vm: &mut Vm, value: Value) -> String {
    let kind = kind_of(vm, value);
    format!("{kind}: {}", show_short(vm, value))
}

/// Names at most two edits from `wanted`, nearest first, at most five.
pub(super) fn suggest(
    interner: &Interner,
    wanted: Symbol,
    names: impl Iterator<Item = Symbol>,
) -> Vec<String> {
    let wanted = interner.name(wanted);
    let mut close: Vec<(usize, &[u8])> = names
        .filter_map(|name| {
            let text = interner.name(name);
            let distance = distance(wanted, text);
            (distance <= 2).then_some((distance, text))
        })
        .collect();
    close.sort_unstable();
    close.truncate(5);
    close
        .into_iter()
        .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
        .collect()
}

/// Edits between two names; names of very different length count as far apart.
fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
