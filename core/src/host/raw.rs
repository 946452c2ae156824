//! Values across the boundary: the VM's words to the ABI's pairs and back.

use crate::heap::{Heap, Value, ValueType};
use piton_plugin_api::abi::{FLAG_HEAP, RawValue, tag};
use piton_plugin_api::hint::cold_path;

/// A value as a plugin sees it. Evaluated thunks are looked through.
#[inline]
pub(super) fn to_raw(value: Value) -> RawValue {
    let value = value.resolved();
    if let Some(tag) = value.plain_tag() {
        return RawValue::new(tag, value.to_word());
    }
    cold_path();
    if let Some(number) = value.as_inline_int() {
        return RawValue::new(tag::INT, number as u64);
    }
    if let Some(test) = value.as_bool() {
        return RawValue::new(tag::BOOL, u64::from(test));
    }
    to_raw_rarely(value)
}

#[inline(never)]
fn to_raw_rarely(value: Value) -> RawValue {
    if value == Value::UNSET {
        return RawValue::new(tag::ABSENT, 0);
    }
    if value == Value::UNSUPPORTED {
        return RawValue::new(tag::UNSUPPORTED, 0);
    }
    let opaque = |tag: u64| {
        RawValue::new(
            tag | if value.is_heap() { FLAG_HEAP } else { 0 },
            value.to_word(),
        )
    };
    match value.value_type() {
        ValueType::Null => RawValue::new(tag::NULL, 0),
        ValueType::Bool => RawValue::new(tag::BOOL, u64::from(value == Value::TRUE)),
        ValueType::Int => RawValue::new(tag::INT, value.as_int().unwrap_or_default() as u64),
        ValueType::Float => {
            RawValue::new(tag::FLOAT, value.as_float().unwrap_or_default().to_bits())
        }
        ValueType::String => opaque(tag::STRING),
        ValueType::Path => opaque(tag::PATH),
        ValueType::List => opaque(tag::LIST),
        ValueType::Attrs => opaque(tag::ATTRS),
        ValueType::Function => opaque(tag::FUNCTION),
        ValueType::Thunk => opaque(tag::THUNK),
    }
}

/// The value that a plugin hands over; `None` for a tag that no value has.
#[inline(always)]
pub(super) fn from_raw(heap: &mut Heap, raw: RawValue) -> Option<Value> {
    match raw.tag() {
        tag::STRING..=tag::THUNK => {
            // SAFETY: the payload of such a value is a word of the host, which the plugin keeps alive by a root, an argument or the
            // running poll.
            Some(unsafe { Value::from_word(raw.payload) })
        }
        tag::INT => Some(heap.int(raw.payload as i64)),
        _ => from_raw_rarely(heap, raw),
    }
}

// What the range above stands for.
const _: () = assert!(
    tag::STRING == 4
        && tag::PATH == 5
        && tag::LIST == 6
        && tag::ATTRS == 7
        && tag::FUNCTION == 8
        && tag::THUNK == 9
);

#[inline(never)]
fn from_raw_rarely(heap: &mut Heap, raw: RawValue) -> Option<Value> {
    match raw.tag() {
        tag::NULL => Some(Value::NULL),
        tag::BOOL => Some(Value::bool(raw.payload != 0)),
        tag::FLOAT => Some(heap.float(f64::from_bits(raw.payload))),
        _ => None,
    }
}

/// Whether an argument that is passed in this mode may be `value`.
#[inline]
pub(crate) fn accepts(mode: u16, value: Value) -> bool {
    u32::from(mode) & type_bit(value) != 0
}

/// The mask bit of a value's type, as argument modes have it.
#[inline]
pub(super) fn type_bit(value: Value) -> u32 {
    1 << to_raw(value).tag()
}
