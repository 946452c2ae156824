//! `left // right`: the shape of the result and where its values come from are remembered for each pair of shapes; where one side is few
//! and the other very many, the few are laid over the many.

use super::attrs::part;
use super::layers::{flat, lay};
use crate::heap::{AnyAttrs, Attrs, Heap, Keys};

/// How the values of `left // right` are taken from both sides, for two shapes.
struct Plan {
    left: usize,
    right: usize,
    /// The shape of the result.
    keys: Option<Keys>,
    /// For each of its entries the index on its side; [`RIGHT`] says which one.
    sources: Vec<u32>,
}

/// Marks an index of the right side.
const RIGHT: u32 = 1 << 31;
/// Plans that are kept. A pair of shapes has one place where its plan can be.
const PLANS: usize = 4096;
/// In larger results few are laid over many, or both are merged anew each time: a plan for them takes as much memory as they do.
const MAX_PLANNED: usize = 64;
/// One side is few and the other many where that is so many times longer.
const FEW_IN_MANY: usize = 8;

/// The plans of one heap. Shapes are told apart by their addresses, so a collection forgets all.
#[derive(Default)]
pub struct MergePlans {
    plans: Vec<Plan>,
}

impl MergePlans {
    /// Forgets all plans.
    pub fn clear(&mut self) {
        self.plans.clear();
    }

    fn place(&mut self, left: Keys, right: Keys) -> &mut Plan {
        if self.plans.is_empty() {
            self.plans.resize_with(PLANS, || Plan {
                left: 0,
                right: 0,
                keys: None,
                sources: Vec::new(),
            });
        }
        let hash = (left.address() >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (right.address() >> 3).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        &mut self.plans[hash >> 32 & (PLANS - 1)]
    }
}

/// `left // right`.
pub fn update(
    heap: &mut Heap,
    plans: &mut MergePlans,
    left: AnyAttrs,
    right: AnyAttrs,
) -> AnyAttrs {
    if right.is_empty() {
        return left;
    }
    if left.is_empty() {
        return right;
    }
    let (a, b) = (left.len(), right.len());
    if a + b > MAX_PLANNED {
        return update_large(heap, left, right);
    }
    let (left, right) = (flat(heap, left), flat(heap, right));
    let (left_keys, right_keys) = (left.keys(), right.keys());
    // Positions come from the right side, so only the very same shape can be kept. The set itself is another one: where it is printed
    // beside the right side, neither repeats the other.
    if left_keys == right_keys {
        return heap.attrs_of(right_keys, right.values()).into();
    }
    let plan = plans.place(left_keys, right_keys);
    let keys = match plan.keys {
        Some(keys) if plan.left == left_keys.address() && plan.right == right_keys.address() => {
            keys
        }
        _ => {
            let keys = merge(heap, left_keys, right_keys, &mut plan.sources);
            plan.left = left_keys.address();
            plan.right = right_keys.address();
            plan.keys = Some(keys);
            keys
        }
    };
    fill(heap, keys, &plan.sources, left, right).into()
}

fn update_large(heap: &mut Heap, left: AnyAttrs, right: AnyAttrs) -> AnyAttrs {
    if left.len() / FEW_IN_MANY >= right.len() {
        let right = flat(heap, right);
        return lay(heap, left, right);
    }
    if right.len() / FEW_IN_MANY >= left.len() {
        // What the right side has, too, does not count.
        let left = flat(heap, left);
        let kept: Vec<u32> = left
            .keys()
            .entries()
            .iter()
            .zip(0..)
            .filter(|(entry, _)| right.get(entry.name).is_none())
            .map(|(_, index)| index)
            .collect();
        if kept.is_empty() {
            // Another set, as above.
            let no_keys = heap.keys(&[]);
            let nothing = heap.attrs(no_keys);
            return heap.layers(right, nothing, right.len());
        }
        let left = part(heap, left, &kept);
        return lay(heap, right, left);
    }
    let (left, right) = (flat(heap, left), flat(heap, right));
    merge_attrs(heap, left, right).into()
}

/// `left // right`, where nothing is remembered of it.
pub(super) fn merge_attrs(heap: &mut Heap, left: Attrs, right: Attrs) -> Attrs {
    let mut sources = Vec::new();
    let keys = merge(heap, left.keys(), right.keys(), &mut sources);
    fill(heap, keys, &sources, left, right)
}

/// The shape of a result, and where its values come from.
fn merge(heap: &mut Heap, left: Keys, right: Keys, sources: &mut Vec<u32>) -> Keys {
    let (a, b) = (left.entries(), right.entries());
    sources.clear();
    sources.reserve(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].name < b[j].name {
            sources.push(i as u32);
            i += 1;
        } else {
            i += usize::from(a[i].name == b[j].name);
            sources.push(j as u32 | RIGHT);
            j += 1;
        }
    }
    sources.extend(i as u32..a.len() as u32);
    sources.extend((j as u32..b.len() as u32).map(|index| index | RIGHT));
    heap.keys_of(
        sources.len(),
        sources.iter().map(|source| match source & RIGHT {
            0 => a[*source as usize],
            _ => b[(source & !RIGHT) as usize],
        }),
    )
}

#[inline]
fn fill(heap: &mut Heap, keys: Keys, sources: &[u32], left: Attrs, right: Attrs) -> Attrs {
    let result = heap.attrs_unfilled(keys);
    let (a, b) = (left.values(), right.values());
    for (value, source) in result.values_mut().iter_mut().zip(sources) {
        *value = match source & RIGHT {
            0 => a[*source as usize],
            _ => b[(source & !RIGHT) as usize],
        };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Value;
    use crate::source::Pos;
    use crate::symbol::Interner;

    /// A set of `names`, each with its own number plus `offset`.
    fn set(heap: &mut Heap, interner: &mut Interner, names: &[usize], offset: i64) -> Attrs {
        let mut members: Vec<_> = names
            .iter()
            .map(|name| {
                let symbol = interner.intern(format!("n{name}").as_bytes());
                (symbol, Pos::NONE, heap.int(*name as i64 + offset))
            })
            .collect();
        heap.attrs_from(&mut members)
    }

    #[test]
    fn the_right_side_counts_in_all_sizes() {
        let mut heap = Heap::new(usize::MAX, usize::MAX, false);
        let mut interner = Interner::default();
        let mut plans = MergePlans::default();
        for (left, right, step) in [
            (3, 4, 1),
            (300, 2, 7),
            (2, 300, 1),
            (300, 290, 1),
            (40, 4, 9),
            (1, 1, 1),
        ] {
            let names: Vec<usize> = (0..left).collect();
            let others: Vec<usize> = (0..right).map(|index| left / 2 + index * step).collect();
            let a = set(&mut heap, &mut interner, &names, 0);
            let b = set(&mut heap, &mut interner, &others, 10_000);
            // Twice: the second time by the plan.
            for _ in 0..2 {
                let any = update(&mut heap, &mut plans, a.into(), b.into());
                let sum = flat(&mut heap, any);
                assert!(
                    sum.keys().entries().is_sorted_by(|a, b| a.name < b.name),
                    "sorted"
                );
                let added = others.iter().filter(|name| **name >= left).count();
                assert_eq!(sum.len(), left + added, "{left} // {right}");
                for name in names.iter().chain(&others) {
                    let symbol = interner.intern(format!("n{name}").as_bytes());
                    let expected = *name as i64 + if others.contains(name) { 10_000 } else { 0 };
                    assert_eq!(
                        sum.get(symbol).and_then(Value::as_int),
                        Some(expected),
                        "{name}"
                    );
                    assert_eq!(any.get(symbol), sum.get(symbol), "{name}");
                }
            }
        }
    }
}
