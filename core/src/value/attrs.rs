//! Operations on attribute sets.

use super::layers::flat;
use crate::heap::{AnyAttrs, Attrs, Heap, KeyEntry, Keys, List, Value};
use crate::symbol::{Interner, Symbol};
use crate::text::text_bits;
use smallvec::SmallVec;

/// Numbers of entries, in ascending order.
type Indices = SmallVec<[u32; 64]>;

/// The entries of `attrs` with these numbers.
pub(super) fn part(heap: &mut Heap, attrs: Attrs, indices: &[u32]) -> Attrs {
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
    let mut removed = Indices::new();
    removed.extend(
        names
            .filter_map(|name| keys.index_of(name))
            .map(|index| index as u32),
    );
    removed.sort_unstable();
    let mut removed = removed.iter().peekable();
    let mut kept = Indices::new();
    for index in 0..attrs.len() as u32 {
        let mut is_removed = false;
        while removed.next_if_eq(&&index).is_some() {
            is_removed = true;
        }
        if !is_removed {
            kept.push(index);
        }
    }
    part(heap, attrs, &kept)
}

/// The attributes of `b` whose names `a` has. Takes time by the size of the smaller set, but for a logarithm.
pub fn common(heap: &mut Heap, a: AnyAttrs, b: AnyAttrs) -> Attrs {
    if a.len() < b.len() {
        let a = flat(heap, a);
        return picked(heap, a.keys(), b);
    }
    let b = flat(heap, b);
    let names = b.keys().entries().iter().zip(0..);
    let indices: Indices = names
        .filter(|(entry, _)| a.get(entry.name).is_some())
        .map(|(_, index)| index)
        .collect();
    part(heap, b, &indices)
}

/// The attributes of `attrs` with these names, as far as it has them.
fn picked(heap: &mut Heap, names: Keys, attrs: AnyAttrs) -> Attrs {
    let mut keys: SmallVec<[KeyEntry; 32]> = SmallVec::new();
    let mut values: SmallVec<[Value; 32]> = SmallVec::new();
    for entry in names.entries() {
        if let Some((value, pos)) = attrs.get_with_pos(entry.name) {
            keys.push(KeyEntry {
                name: entry.name,
                pos,
            });
            values.push(value);
        }
    }
    let keys = heap.keys(&keys);
    heap.attrs_of(keys, &values)
}

/// Indices of the attributes, in the order of the bytes of their names. Computed once for a shape.
pub fn name_order<'a>(
    heap: &mut Heap,
    interner: &Interner,
    attrs: Attrs,
) -> impl ExactSizeIterator<Item = usize> + use<'a> {
    order_list(heap, interner, attrs)
        .items::<'a>()
        .iter()
        .map(|item| item.as_inline_int().unwrap_or(0) as usize)
}

/// The first eight bytes as a number that compares as they do; zeros where there are fewer.
fn first_bytes(name: &[u8]) -> u64 {
    match name.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => text_bits(name).swap_bytes(),
    }
}

fn order_list(heap: &mut Heap, interner: &Interner, attrs: Attrs) -> List {
    let keys = attrs.keys();
    match keys.name_order() {
        Some(order) => order,
        None => {
            let entries = keys.entries();
            // The first bytes of the names decide most comparisons, and stand where they are compared.
            let mut sorted: Vec<_> = (entries.iter().enumerate())
                .map(|(index, entry)| (first_bytes(interner.name(entry.name)), index))
                .collect();
            let name = |index: usize| interner.name(entries[index].name);
            sorted.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1))));
            let items: Vec<Value> = sorted
                .into_iter()
                .map(|(_, index)| Value::inline_int(index as i64).unwrap_or(Value::NULL))
                .collect();
            let order = heap.list_of(&items);
            heap.set_name_order(keys, order);
            order
        }
    }
}
