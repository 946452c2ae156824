//! Operations on attribute sets.

use crate::heap::{Attrs, Heap, List, Value};
use crate::symbol::{Interner, Symbol};
use smallvec::SmallVec;

/// Numbers of entries, in ascending order.
type Indices = SmallVec<[u32; 64]>;

/// The entries of `attrs` with these numbers.
fn part(heap: &mut Heap, attrs: Attrs, indices: &[u32]) -> Attrs {
    if indices.len() == attrs.len() {
        return attrs;
    }
    let (entries, values) = (attrs.keys().entries(), attrs.values());
    let keys = heap.keys_of(
        indices.len(),
        indices.iter().map(|index| entries[*index as usize]),
    );
    let result = heap.attrs(keys);
    for (slot, index) in result.values_mut().iter_mut().zip(indices) {
        *slot = values[*index as usize];
    }
    result
}

/// `attrs` without the attributes of these names.
pub fn without(heap: &mut Heap, attrs: Attrs, names: impl Iterator<Item = Symbol>) -> Attrs {
    let keys = attrs.keys();
    let mut removed: Indices = names
        .filter_map(|name| keys.index_of(name))
        .map(|index| index as u32)
        .collect();
    removed.sort_unstable();
    let mut removed = removed.into_iter().peekable();
    let mut kept = Indices::new();
    for index in 0..attrs.len() as u32 {
        let mut is_removed = false;
        while removed.next_if_eq(&index).is_some() {
            is_removed = true;
        }
        if !is_removed {
            kept.push(index);
        }
    }
    part(heap, attrs, &kept)
}

/// The attributes of `b` whose names `a` has. Takes time by the size of the smaller set, but for a logarithm.
pub fn common(heap: &mut Heap, a: Attrs, b: Attrs) -> Attrs {
    let (a_keys, b_keys) = (a.keys(), b.keys());
    let indices: Indices = if a.len() < b.len() {
        let names = a_keys.entries().iter();
        names
            .filter_map(|entry| b_keys.index_of(entry.name))
            .map(|index| index as u32)
            .collect()
    } else {
        let names = b_keys.entries().iter().enumerate();
        names
            .filter(|(_, entry)| a_keys.index_of(entry.name).is_some())
            .map(|(index, _)| index as u32)
            .collect()
    };
    part(heap, b, &indices)
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
