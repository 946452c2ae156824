//! Few attributes over many: they are laid over them, and both are merged when somebody wants all of the set, or when what lies over
//! others has become much.
//!
//! Layers are kept in sizes that grow: each has more than [`GROWTH`] times the attributes of the one over it, and the lowest, which has no
//! layers, more than that of all over it. So a set that grows one by one is copied a few times over in all, not once for each
//! attribute, and there are few layers to look through.

use super::update::merge_attrs;
use crate::heap::{AnyAttrs, Attrs, Form, Heap};

/// How many times larger a layer is than the one over it.
const GROWTH: usize = 4;

/// `base // over`.
pub(super) fn lay(heap: &mut Heap, base: AnyAttrs, over: Attrs) -> AnyAttrs {
    let added = over.keys().entries().iter();
    let added = added.filter(|entry| base.get(entry.name).is_none()).count();
    let len = base.len() + added;
    let (mut base, mut over) = (base, over);
    while let Form::Layers(below, layer) = base.form()
        && layer.len() <= GROWTH * over.len()
    {
        over = merge_attrs(heap, layer, over);
        base = below;
    }
    if let Form::Flat(lowest) = base.form()
        && lowest.len() <= GROWTH * over.len()
    {
        return merge_attrs(heap, lowest, over).into();
    }
    heap.layers(base, over, len)
}

/// All of a set side by side. A set with layers is merged once.
pub fn flat(heap: &mut Heap, attrs: AnyAttrs) -> Attrs {
    match attrs.form() {
        Form::Flat(attrs) => attrs,
        Form::Layers(base, over) => merge_layers(heap, attrs, base, over),
    }
}

#[cold]
fn merge_layers(heap: &mut Heap, attrs: AnyAttrs, base: AnyAttrs, over: Attrs) -> Attrs {
    let (mut base, mut over) = (base, over);
    // The smallest first.
    let lowest = loop {
        match base.form() {
            Form::Flat(lowest) => break lowest,
            Form::Layers(below, layer) => {
                over = merge_attrs(heap, layer, over);
                base = below;
            }
        }
    };
    let flat = merge_attrs(heap, lowest, over);
    heap.set_flat(attrs, flat);
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::{KeyEntry, Value};
    use crate::source::Pos;
    use crate::symbol::Symbol;
    use crate::value::{MergePlans, update};
    use std::collections::BTreeMap;

    /// As many numbers as are asked for, always the same.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }
    }

    fn set(heap: &mut Heap, members: &BTreeMap<u32, (u32, i64)>) -> Attrs {
        let keys: Vec<KeyEntry> = members
            .iter()
            .map(|(name, (pos, _))| KeyEntry {
                name: Symbol(*name),
                pos: Pos(*pos),
            })
            .collect();
        let values: Vec<Value> = members
            .values()
            .map(|(_, value)| heap.int(*value))
            .collect();
        let keys = heap.keys(&keys);
        heap.attrs_of(keys, &values)
    }

    fn depth(attrs: AnyAttrs) -> usize {
        match attrs.form() {
            Form::Flat(_) => 0,
            Form::Layers(base, _) => 1 + depth(base),
        }
    }

    fn check(any: AnyAttrs, model: &BTreeMap<u32, (u32, i64)>) {
        assert_eq!(any.len(), model.len());
        let members: Vec<(u32, u32, Option<i64>)> = any
            .members()
            .iter()
            .map(|(entry, value)| (entry.name.0, entry.pos.0, value.as_int()))
            .collect();
        let expected: Vec<_> = model
            .iter()
            .map(|(name, (pos, value))| (*name, *pos, Some(*value)))
            .collect();
        assert_eq!(members, expected);
    }

    #[test]
    fn sets_with_layers_are_what_was_put_together() {
        let mut heap = Heap::new(usize::MAX, usize::MAX, false);
        let mut plans = MergePlans::default();
        let mut numbers = Numbers(88_172_645_463_325_252);
        for round in 0..40 {
            let mut model: BTreeMap<u32, (u32, i64)> =
                (0..300 + round).map(|name| (name * 3, (name, 0))).collect();
            let mut any: AnyAttrs = set(&mut heap, &model).into();
            let mut earlier = Vec::new();
            for step in 1..60 {
                let few: BTreeMap<u32, (u32, i64)> = (0..1 + numbers.below(9))
                    .map(|_| (numbers.below(1200) as u32, (step as u32, step)))
                    .collect();
                let part = set(&mut heap, &few);
                if numbers.below(4) == 0 {
                    // The few on the left: they do not count where both have a name.
                    any = update(&mut heap, &mut plans, part.into(), any);
                    for (name, member) in few {
                        model.entry(name).or_insert(member);
                    }
                } else {
                    any = update(&mut heap, &mut plans, any, part.into());
                    model.extend(few);
                }
                if numbers.below(16) == 0 {
                    flat(&mut heap, any);
                }
                if numbers.below(8) == 0 {
                    earlier.push((any, model.clone()));
                }
                for _ in 0..8 {
                    let name = numbers.below(1300) as u32;
                    let found = any.get_with_pos(Symbol(name));
                    let found = found.map(|(value, pos)| (pos.0, value.as_int()));
                    let expected = model.get(&name).map(|(pos, value)| (*pos, Some(*value)));
                    assert_eq!(found, expected, "{name}");
                }
                check(any, &model);
            }
            let whole = flat(&mut heap, any);
            check(whole.into(), &model);
            check(any, &model);
            // Nobody has changed what others were made of.
            for (any, model) in earlier {
                check(any, &model);
            }
        }
    }

    #[test]
    fn growing_one_by_one_is_not_quadratic() {
        let mut heap = Heap::new(usize::MAX, usize::MAX, false);
        let mut plans = MergePlans::default();
        let mut any: AnyAttrs = set(&mut heap, &BTreeMap::new()).into();
        for name in 0..20_000 {
            let one = set(&mut heap, &BTreeMap::from([(name * 7919 % 20_011, (1, 1))]));
            any = update(&mut heap, &mut plans, any, one.into());
            assert!(depth(any) <= 8, "few layers");
        }
        assert_eq!(any.len(), 20_000);
        let allocated = heap.statistics().allocated;
        assert!(
            allocated < 60 << 20,
            "{allocated} bytes for 20,000 attributes"
        );
    }
}
