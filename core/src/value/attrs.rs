//! Operations on attribute sets.

use crate::heap::{Attrs, Heap, KeyEntry, List, Value};
use crate::symbol::Interner;

/// `left // right`.
pub fn update(heap: &mut Heap, left: Attrs, right: Attrs) -> Attrs {
    if right.is_empty() {
        return left;
    }
    if left.is_empty() {
        return right;
    }
    let (left_keys, right_keys) = (left.keys(), right.keys());
    let (a, b) = (left_keys.entries(), right_keys.entries());
    let (a_values, b_values) = (left.values(), right.values());
    // Where the right side adds no name, positions aside the shape stays; positions come from the right, so only the very same
    // shape can be kept.
    if left_keys == right_keys {
        return right;
    }
    let mut entries: Vec<KeyEntry> = Vec::with_capacity(a.len() + b.len());
    let mut values: Vec<Value> = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].name < b[j].name {
            entries.push(a[i]);
            values.push(a_values[i]);
            i += 1;
        } else {
            if a[i].name == b[j].name {
                i += 1;
            }
            entries.push(b[j]);
            values.push(b_values[j]);
            j += 1;
        }
    }
    entries.extend_from_slice(&a[i..]);
    values.extend_from_slice(&a_values[i..]);
    entries.extend_from_slice(&b[j..]);
    values.extend_from_slice(&b_values[j..]);
    let keys = heap.keys(&entries);
    heap.attrs_of(keys, &values)
}

/// Indices of the attributes, in the order of the bytes of their names. Computed once for a shape.
pub fn name_order<'a>(
    heap: &mut Heap,
    interner: &Interner,
    attrs: Attrs,
) -> impl ExactSizeIterator<Item = usize> + use<'a> {
    let keys = attrs.keys();
    let order: List = match keys.name_order() {
        Some(order) => order,
        None => {
            let entries = keys.entries();
            let mut indices: Vec<usize> = (0..entries.len()).collect();
            indices.sort_by_key(|index| interner.name(entries[*index].name));
            let items: Vec<Value> = indices
                .into_iter()
                .map(|index| Value::inline_int(index as i64).unwrap_or(Value::NULL))
                .collect();
            let order = heap.list_of(&items);
            keys.set_name_order(order);
            order
        }
    };
    order
        .items::<'a>()
        .iter()
        .map(|item| item.as_inline_int().unwrap_or(0) as usize)
}
