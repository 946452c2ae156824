//! [`Cx`] itself, and what it does with values of any kind.

use crate::abi::{HostTable, RawValue, VmContext};
use crate::value::Value;
use std::marker::PhantomData;

/// The host, for the time of one call of a builtin.
#[derive(Clone, Copy)]
pub struct Cx<'f> {
    pub(super) vm: *mut VmContext,
    call: PhantomData<&'f mut &'f ()>,
}

macro_rules! host {
    ($self:ident . $function:ident ( $($argument:expr),* )) => {{
        // SAFETY: the context and its table are valid while the call runs; pointers passed live until the call returns.
        unsafe { ((*$self.host()).$function)($self.vm $(, $argument)*) }
    }};
}

pub(super) use host;

impl<'f> Cx<'f> {
    /// The view of the host that a poll begins with.
    ///
    /// # Safety
    /// `vm` is the context that the host passed to `start`, and `'f` ends with the call.
    #[inline(always)]
    pub unsafe fn new(vm: *mut VmContext) -> Self {
        Cx {
            vm,
            call: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn host(self) -> *const HostTable {
        // SAFETY: the host keeps the context valid while the call runs.
        unsafe { (*self.vm).host }
    }

    #[inline(always)]
    pub(super) fn adopt(self, raw: RawValue) -> Value<'f> {
        // SAFETY: `raw` comes from a function of the host's table, which returns values alive.
        unsafe { Value::adopt(raw, self.vm) }
    }

    /// The state that the plugin's `state` made for this VM.
    ///
    /// # Safety
    /// `T` is the type that the plugin's `state` function returns.
    pub unsafe fn state<T>(self) -> &'f T {
        // SAFETY: the host sets `instance` to what `init` returned, which lives as long as the VM.
        let state = unsafe { (*self.vm).instance.cast::<T>().as_ref() };
        state.expect("the plugin's `state` function panicked, or there is none")
    }

    /// A thunk that applies `f` to `args` when it is forced.
    pub fn apply_lazily(self, f: &Value<'f>, args: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.make_apply(f.raw(), args.as_ptr().cast(), args.len()));
        self.adopt(raw)
    }

    /// The formals of a lambda: a set from name to whether it has a default.
    pub fn function_args(self, f: &Value<'f>) -> Value<'f> {
        let raw = host!(self.function_args(f.raw()));
        self.adopt(raw)
    }

    /// `{ file, line, column }` of an attribute's position, or null.
    pub fn position(self, pos: u32) -> Value<'f> {
        let raw = host!(self.position(pos));
        self.adopt(raw)
    }

    /// An evaluated value as Nix prints it, or as XML.
    pub fn render(self, value: &Value<'f>, xml: bool) -> Value<'f> {
        let raw = host!(self.render(value.raw(), u64::from(xml)));
        self.adopt(raw)
    }

    /// Whether both are the same cell: Nix's shortcut in comparisons.
    #[inline]
    pub fn same(self, a: &Value<'f>, b: &Value<'f>) -> bool {
        host!(self.same(a.raw(), b.raw()))
    }

    /// `value` with its type, if it has been evaluated meanwhile; a thunk still if not.
    #[inline]
    pub fn peek(self, value: &Value<'f>) -> Value<'f> {
        let raw = host!(self.peek(value.raw()));
        self.adopt(raw)
    }
}
