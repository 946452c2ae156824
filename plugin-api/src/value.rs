//! [`Value`]: a Nix value that its holder may keep as long as the builtin runs, across suspensions too.

use crate::abi::{
    FLAG_HEAP, ROOT_CHUNK_BYTES, ROOT_SHIFT, RawValue, RootChunk, RootSlot, RootTable, VmContext,
    tag,
};
use crate::hint::cold_path;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;

/// What a value is. [`Type::Thunk`] means that nobody has looked yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the variants are the types of the language
pub enum Type {
    Null,
    Bool,
    Int,
    Float,
    String,
    Path,
    List,
    Attrs,
    Function,
    Thunk,
}

/// A value, owned. It is rooted for as long as it exists: the host may collect at any suspension and will not
/// take what a `Value` names. The lifetime ties it to the call it was made in.
///
/// A `Value` cannot outlive its call:
/// ```compile_fail
/// use piton_plugin_api::{Cx, Value};
/// static KEPT: std::sync::Mutex<Option<Value<'static>>> = std::sync::Mutex::new(None);
/// async fn keep<'f>(_: Cx<'f>, v: Value<'f>) { *KEPT.lock().unwrap() = Some(v); }
/// ```
#[repr(transparent)]
pub struct Value<'f> {
    raw: RawValue,
    call: PhantomData<(&'f mut &'f (), *mut ())>,
}

impl<'f> Value<'f> {
    /// Takes over a value that the host has just returned.
    ///
    /// # Safety
    /// `raw` is a value (not a marker) of the host behind `vm`, alive, with no root of its own; `'f` is at most the current call.
    #[inline(always)]
    pub(crate) unsafe fn adopt(mut raw: RawValue, vm: *mut VmContext) -> Self {
        if raw.head & FLAG_HEAP != 0 {
            // SAFETY: the context is valid during a poll, which is when values are made.
            unsafe { root(&mut raw, (*vm).roots) };
        }
        Value {
            raw,
            call: PhantomData,
        }
    }

    /// A view of a value that `holder`, which has a root of its own, keeps alive. It bears the holder's root, for clones to find
    /// the table by, and must not be dropped.
    ///
    /// # Safety
    /// `raw` is a value of the host, without a root, alive while the view is in use.
    #[inline(always)]
    pub(crate) unsafe fn borrow(mut raw: RawValue, holder: &Value<'f>) -> ManuallyDrop<Self> {
        if raw.head & FLAG_HEAP != 0 {
            raw.head |= holder.raw.head & !0xffff;
        }
        ManuallyDrop::new(Value {
            raw,
            call: PhantomData,
        })
    }

    /// Views a run of arguments.
    ///
    /// # Safety
    /// As `argument`, for `count` values.
    #[inline(always)]
    pub unsafe fn arguments<'a>(args: *const RawValue, count: usize) -> &'a [Value<'f>] {
        // SAFETY: `Value` is a transparent `RawValue`, and the host passes `count` of them.
        unsafe { std::slice::from_raw_parts(args.cast::<Value<'f>>(), count) }
    }

    /// Gives the value up to the host, which takes it before anything else happens.
    #[inline(always)]
    pub(crate) fn release(self) -> RawValue {
        let raw = self.raw;
        RawValue {
            head: raw.head & 0xffff,
            payload: raw.payload,
        }
    }

    #[inline(always)]
    pub(crate) fn raw(&self) -> &RawValue {
        &self.raw
    }

    /// The type; [`Type::Thunk`] if the value is not evaluated.
    #[inline(always)]
    pub fn kind(&self) -> Type {
        match self.raw.tag() {
            tag::NULL => Type::Null,
            tag::BOOL => Type::Bool,
            tag::INT => Type::Int,
            tag::FLOAT => Type::Float,
            tag::STRING => Type::String,
            tag::PATH => Type::Path,
            tag::LIST => Type::List,
            tag::ATTRS => Type::Attrs,
            tag::FUNCTION => Type::Function,
            _ => Type::Thunk,
        }
    }

    /// Whether it must be forced before one can look at it.
    #[inline(always)]
    pub fn is_thunk(&self) -> bool {
        self.raw.tag() == tag::THUNK
    }

    /// An integer.
    #[inline(always)]
    pub fn int(value: i64) -> Self {
        Value {
            raw: RawValue::new(tag::INT, value as u64),
            call: PhantomData,
        }
    }

    /// A float.
    #[inline(always)]
    pub fn float(value: f64) -> Self {
        Value {
            raw: RawValue::new(tag::FLOAT, value.to_bits()),
            call: PhantomData,
        }
    }

    /// A bool.
    #[inline(always)]
    pub fn bool(value: bool) -> Self {
        Value {
            raw: RawValue::new(tag::BOOL, u64::from(value)),
            call: PhantomData,
        }
    }

    /// `null`
    #[inline(always)]
    pub fn null() -> Self {
        Value {
            raw: RawValue::new(tag::NULL, 0),
            call: PhantomData,
        }
    }

    /// The integer that it is.
    #[inline(always)]
    pub fn as_int(&self) -> Option<i64> {
        (self.raw.tag() == tag::INT).then_some(self.raw.payload as i64)
    }

    /// The float that it is.
    #[inline(always)]
    pub fn as_float(&self) -> Option<f64> {
        (self.raw.tag() == tag::FLOAT).then_some(f64::from_bits(self.raw.payload))
    }

    /// The bool that it is.
    #[inline(always)]
    pub fn as_bool(&self) -> Option<bool> {
        (self.raw.tag() == tag::BOOL).then_some(self.raw.payload != 0)
    }

    fn slot(&self) -> *mut RootSlot {
        (self.raw.head >> ROOT_SHIFT) as *mut RootSlot
    }
}

/// Gives `raw` a root.
///
/// # Safety
/// `table` is the root table of a live VM.
#[inline(always)]
unsafe fn root(raw: &mut RawValue, table: *mut RootTable) {
    // SAFETY: the host keeps table and slots valid; `grow` refills an empty free list.
    unsafe {
        if (*table).free.is_null() {
            cold_path();
            ((*table).grow)(table);
        }
        let slot = (*table).free;
        debug_assert!(
            (*slot).link & 1 == 0,
            "a free root slot is not marked as used"
        );
        (*table).free = (*slot).link as *mut RootSlot;
        (*slot).word = raw.payload;
        (*slot).link = (*table).owner << 1 | 1;
        raw.head = raw.head & 0xffff | (slot as u64) << ROOT_SHIFT;
    }
}

/// The table that a slot belongs to, found from its address.
///
/// # Safety
/// `slot` is a slot of a live table.
#[inline(always)]
unsafe fn table_of(slot: *mut RootSlot) -> *mut RootTable {
    let chunk = slot
        .map_addr(|address| address & !(ROOT_CHUNK_BYTES - 1))
        .cast::<RootChunk>();
    // SAFETY: chunks start at multiples of their size with a `RootChunk`.
    unsafe { (*chunk).table }
}

impl Clone for Value<'_> {
    #[inline(always)]
    fn clone(&self) -> Self {
        let mut raw = self.raw;
        let slot = self.slot();
        if !slot.is_null() {
            // SAFETY: an own slot is live, and so is its table.
            unsafe { root(&mut raw, table_of(slot)) };
        }
        Value {
            raw,
            call: PhantomData,
        }
    }
}

impl Drop for Value<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let slot = self.slot();
        if !slot.is_null() {
            // SAFETY: an own slot is live until here, and goes back to its table.
            unsafe {
                debug_assert!((*slot).link & 1 == 1, "a root is released once");
                let table = table_of(slot);
                (*slot).link = (*table).free as u64;
                (*table).free = slot;
            }
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?})", self.kind())
    }
}
