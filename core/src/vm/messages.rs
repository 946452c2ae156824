//! Values in messages: "an integer: 1", and names that were probably meant.

use super::machine::Vm;
use crate::heap::{Value, ValueType};
use crate::print::{PrintLimits, print_value};
use crate::symbol::{Interner, Symbol};

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

/// What a value is, with its article; builtins are told from functions.
pub(crate) fn kind_of(value: Value) -> &'static str {
    match value.value_type() {
        ValueType::Function => match value.as_builtin() {
            Some(_) => "a built-in function",
            None if value
                .as_partial()
                .is_some_and(|partial| partial.function().as_builtin().is_some()) =>
            {
                "a partially applied built-in function"
            }
            None => "a function",
        },
        kind => indefinite_type(kind),
    }
}

/// "an integer: 1"
pub(crate) fn describe(vm: &mut Vm, value: Value) -> String {
    format!("{}: {}", kind_of(value), show_short(vm, value))
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
