//! Operations on attribute sets.

use crate::heap::{Attrs, Heap, List, Value};
use crate::symbol::Interner;

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
