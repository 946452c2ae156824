//! The functions of [`HostTable`](piton_plugin_api::abi::HostTable) for sets.

use super::raw::to_raw;
use super::table::{has_room_for, no_room, slice, value, values, vm};
use crate::heap::{Attrs, KeyEntry, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::vm::Vm;
use piton_plugin_api::abi::{Attr, RawValue, VmContext, tag};
use smallvec::SmallVec;

pub(super) unsafe extern "C" fn attrs_len(context: *mut VmContext, raw: *const RawValue) -> usize {
    // SAFETY: called during a poll with live views; the same holds for every function below.
    let (_, [attrs]) = unsafe { values(context, [raw]) };
    attrs.as_attrs().map_or(0, |attrs| attrs.len())
}

pub(super) unsafe extern "C" fn attrs_get(
    context: *mut VmContext,
    raw: *const RawValue,
    name: u32,
) -> Attr {
    // SAFETY: see `attrs_len`.
    let (_, [attrs]) = unsafe { values(context, [raw]) };
    match attrs
        .as_attrs()
        .and_then(|attrs| attrs.get_with_pos(Symbol(name)))
    {
        Some((value, pos)) => Attr {
            name,
            pos: pos.0,
            value: to_raw(value),
        },
        None => Attr {
            name,
            pos: 0,
            value: RawValue::new(tag::ABSENT, 0),
        },
    }
}

pub(super) unsafe extern "C" fn attrs_read(
    context: *mut VmContext,
    raw: *const RawValue,
    start: usize,
    count: usize,
    out: *mut Attr,
) {
    // SAFETY: see `attrs_len`.
    let (vm, [attrs]) = unsafe { values(context, [raw]) };
    let Some(attrs) = attrs.as_attrs() else {
        return;
    };
    let attrs = crate::value::flat(&mut vm.heap, attrs);
    let entries = attrs.keys().entries();
    let order = crate::value::name_order(&mut vm.heap, &vm.interner, attrs);
    for (slot, index) in order.skip(start).take(count).enumerate() {
        let attr = Attr {
            name: entries[index].name.0,
            pos: entries[index].pos.0,
            value: to_raw(attrs.values()[index]),
        };
        // SAFETY: `out` has room for `count` attributes.
        unsafe { out.add(slot).write(attr) };
    }
}

pub(super) unsafe extern "C" fn make_attrs(
    context: *mut VmContext,
    attrs: *const Attr,
    count: usize,
) -> RawValue {
    // SAFETY: see `attrs_len`; the plugin passes `count` attributes.
    let (vm, attrs) = unsafe { (vm(context), slice(attrs, count)) };
    let mut entries = SmallVec::<[_; 32]>::new();
    entries.extend(attrs.iter().map(|attr| {
        // SAFETY: as above.
        let value = unsafe { value(vm, &attr.value) };
        (Symbol(attr.name), Pos(attr.pos), value)
    }));
    to_raw(vm.heap.attrs_from(&mut entries).value())
}

pub(super) unsafe extern "C" fn attrs_update(
    context: *mut VmContext,
    a: *const RawValue,
    b: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [a, b]) = unsafe { values(context, [a, b]) };
    let (a, b) = (a.as_attrs(), b.as_attrs());
    match (a, b) {
        (Some(a), Some(b)) => {
            to_raw(crate::value::update(&mut vm.heap, &mut vm.merge_plans, a, b).value())
        }
        (Some(one), None) | (None, Some(one)) => to_raw(one.value()),
        (None, None) => RawValue::new(tag::NULL, 0),
    }
}

pub(super) unsafe extern "C" fn attrs_map(
    context: *mut VmContext,
    f: *const RawValue,
    attrs: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [f, attrs]) = unsafe { values(context, [f, attrs]) };
    let Some(attrs) = attrs.as_attrs() else {
        return RawValue::new(tag::NULL, 0);
    };
    let attrs = crate::value::flat(&mut vm.heap, attrs);
    // The results stand nowhere in a source, so Nix gives them no positions.
    let keys = vm.heap.without_positions(attrs.keys());
    let out = vm.heap.attrs(keys);
    for (index, entry) in keys.entries().iter().enumerate() {
        let name = vm.name_value(entry.name);
        out.values_mut()[index] = vm
            .heap
            .apply_thunk(f, &[name, attrs.values()[index]])
            .as_value();
    }
    to_raw(out.value())
}

pub(super) unsafe extern "C" fn attrs_without(
    context: *mut VmContext,
    attrs: *const RawValue,
    names: *const u32,
    count: usize,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [attrs]) = unsafe { values(context, [attrs]) };
    let Some(attrs) = attrs.as_attrs() else {
        return RawValue::new(tag::NULL, 0);
    };
    let attrs = crate::value::flat(&mut vm.heap, attrs);
    // SAFETY: the plugin passes `count` names.
    let names = (0..count).map(|index| Symbol(unsafe { *names.add(index) }));
    to_raw(crate::value::without(&mut vm.heap, attrs, names).value())
}

pub(super) unsafe extern "C" fn attrs_without_list(
    context: *mut VmContext,
    attrs: *const RawValue,
    list: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [attrs, list]) = unsafe { values(context, [attrs, list]) };
    let (attrs, list) = (attrs.as_attrs(), list.as_list());
    let (Some(attrs), Some(list)) = (attrs, list) else {
        return RawValue::new(tag::ABSENT, 0);
    };
    let mut names = SmallVec::<[Symbol; 32]>::new();
    for item in list.items() {
        match vm.string_symbol(item.resolved()) {
            Some(name) => names.push(name),
            None => return RawValue::new(tag::ABSENT, 0),
        }
    }
    let attrs = crate::value::flat(&mut vm.heap, attrs);
    to_raw(crate::value::without(&mut vm.heap, attrs, names.iter().copied()).value())
}

pub(super) unsafe extern "C" fn attrs_of_members(
    context: *mut VmContext,
    list: *const RawValue,
    name: u32,
    member: u32,
) -> RawValue {
    /// Names that are looked up together.
    const TOGETHER: usize = 32;
    // SAFETY: see `attrs_len`.
    let (vm, [list]) = unsafe { values(context, [list]) };
    let Some(list) = list.as_list() else {
        return RawValue::new(tag::ABSENT, 0);
    };
    let items = list.items();
    let mut all_have_it = true;
    let mut entries = SmallVec::<[_; TOGETHER]>::with_capacity(items.len());
    for items in items.chunks(TOGETHER) {
        let (mut names, begin) = ([Value::NULL; TOGETHER], entries.len());
        for (name_of, item) in names.iter_mut().zip(items) {
            let attrs = item.resolved().as_attrs();
            if let Some(found) = attrs.and_then(|attrs| attrs.get(Symbol(name))) {
                *name_of = found.resolved();
                vm.look_ahead(*name_of);
            }
            let found = attrs.and_then(|attrs| attrs.get_with_pos(Symbol(member)));
            all_have_it &= found.is_some();
            let (value, pos) = found.unwrap_or((Value::UNSET, Pos::NONE));
            entries.push((Symbol(0), pos, value));
        }
        for (entry, name) in entries[begin..].iter_mut().zip(names) {
            let Some(name) = vm.string_symbol(name) else {
                return RawValue::new(tag::ABSENT, 0);
            };
            entry.0 = name;
        }
    }
    let attrs = vm.heap.attrs_from(&mut entries);
    // One that is missing matters where no other of its name comes before it.
    if !all_have_it && attrs.values().contains(&Value::UNSET) {
        return RawValue::new(tag::ABSENT, 0);
    }
    to_raw(attrs.value())
}

/// A list of what `item` makes of each attribute of a set, in the order of the names' bytes.
fn in_order(
    vm: &mut Vm,
    attrs: Value,
    mut item: impl FnMut(&mut Vm, Attrs, usize) -> Value,
) -> RawValue {
    let Some(attrs) = attrs.as_attrs() else {
        return RawValue::new(tag::NULL, 0);
    };
    let attrs = crate::value::flat(&mut vm.heap, attrs);
    let order = crate::value::name_order(&mut vm.heap, &vm.interner, attrs);
    let list = vm.heap.list(attrs.len());
    for (slot, index) in list.items_mut().iter_mut().zip(order) {
        *slot = item(vm, attrs, index);
    }
    to_raw(list.value())
}

pub(super) unsafe extern "C" fn attrs_names(
    context: *mut VmContext,
    attrs: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [attrs]) = unsafe { values(context, [attrs]) };
    in_order(vm, attrs, |vm, attrs, index| {
        vm.name_value(attrs.keys().entries()[index].name)
    })
}

pub(super) unsafe extern "C" fn attrs_values(
    context: *mut VmContext,
    attrs: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [attrs]) = unsafe { values(context, [attrs]) };
    in_order(vm, attrs, |_, attrs, index| attrs.value_at(index))
}

pub(super) unsafe extern "C" fn attrs_common(
    context: *mut VmContext,
    a: *const RawValue,
    b: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [a, b]) = unsafe { values(context, [a, b]) };
    let (a, b) = (a.as_attrs(), b.as_attrs());
    match (a, b) {
        (Some(a), Some(b)) => to_raw(crate::value::common(&mut vm.heap, a, b).value()),
        _ => RawValue::new(tag::NULL, 0),
    }
}

pub(super) unsafe extern "C" fn attrs_zip(
    context: *mut VmContext,
    f: *const RawValue,
    list: *const RawValue,
) -> RawValue {
    // SAFETY: see `attrs_len`.
    let (vm, [f, list]) = unsafe { values(context, [f, list]) };
    let Some(list) = list.as_list() else {
        return RawValue::new(tag::ABSENT, 0);
    };
    let mut members = SmallVec::<[(Symbol, Value); 32]>::new();
    for item in list.items() {
        let Some(attrs) = item.resolved().as_attrs() else {
            return RawValue::new(tag::ABSENT, 0);
        };
        let attrs = crate::value::flat(&mut vm.heap, attrs);
        let names = attrs.keys().entries().iter().map(|entry| entry.name);
        members.extend(names.zip(attrs.values().iter().copied()));
    }
    // A sort that keeps the order of what has one name; it finds the runs that sets are.
    members.sort_by_key(|member| member.0);
    let groups = || members.chunk_by(|a, b| a.0 == b.0);
    let count = groups().count();
    // Of each group the head of its list, the thunk, its place in the set and in the set's keys, and an item for each member.
    if !has_room_for(vm, count.saturating_mul(8).saturating_add(members.len()), 1) {
        return no_room(vm);
    }
    let keys = groups().map(|group| KeyEntry {
        name: group[0].0,
        pos: Pos::NONE,
    });
    let keys = vm.heap.keys_of(count, keys);
    let out = vm.heap.attrs(keys);
    for (slot, group) in out.values_mut().iter_mut().zip(groups()) {
        let values = vm.heap.list(group.len());
        for (slot, member) in values.items_mut().iter_mut().zip(group) {
            *slot = member.1;
        }
        let name = vm.name_value(group[0].0);
        *slot = vm.heap.apply_thunk(f, &[name, values.value()]).as_value();
    }
    to_raw(out.value())
}
