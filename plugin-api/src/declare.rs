//! The macros that declare a builtin and export a plugin, and what they expand to.

use crate::abi::{self, Bytes, RustProof};
use crate::context::{Cx, Result};
use crate::driver::{self, Frame};
use crate::value::Value;
use std::future::Future;
use std::marker::PhantomData;

/// Declares a builtin: a constant of the function's name that [`plugin!`](crate::plugin) takes.
///
/// ```text
/// builtin! {
///     /// Documentation.
///     name = "foldl'", since = "0.1.0", example = "expression" => "result as printed",
///     flags = [BARE],            // optional: `BARE` is visible without `builtins.`; `HIDDEN`
///     needs = [READ, CLOCK],     // optional: capabilities, see `abi::capability`
///     driver = reference,        // optional: run by genawaiter instead of the slot driver
///     quick = |cx, op, nul, list| None,   // optional: `Some(value)` where nothing has to be asked for, which spares a frame
///     async fn fold<'f>(cx, op: lazy, nul: lazy, list: list) { ... Ok(value) }
/// }
/// ```
///
/// `leaf fn` in place of `async fn` never suspends and takes its arguments by reference. A function without arguments is a
/// constant, evaluated when it is first looked at. Arguments are `lazy` (passed as they are, possibly
/// thunks), `any` (forced), or types joined by `|`, which the host forces and checks: `null`, `bool`, `int`, `float`,
/// `string`, `path`, `list`, `attrs`, `function`. `n: int as "length passed to builtins.pad"` is what traces tell of an argument behind
/// "while evaluating the"; without it that is "second argument passed to builtins.pad".
#[macro_export]
macro_rules! builtin {
    (
        $(#[doc = $doc:expr])*
        name = $name:literal, since = $since:literal, example = $example:literal => $result:literal,
        $(flags = [$($flag:ident),* $(,)?],)?
        $(needs = [$($need:ident),* $(,)?],)?
        leaf fn $function:ident<$life:lifetime>($cx:ident $(, $arg:ident : $($mode:ident)|+ $(as $told:literal)?)* $(,)?) $body:block
    ) => {
        $(#[doc = $doc])*
        #[allow(non_upper_case_globals)]
        pub const $function: $crate::abi::Builtin = {
            #[inline(always)]
            fn body<$life>($cx: $crate::Cx<$life> $(, $arg: &$crate::Value<$life>)*) -> $crate::Result<$crate::Value<$life>> $body

            unsafe extern "C" fn start(
                _: *mut u8,
                vm: *mut $crate::abi::VmContext,
                args: *const $crate::abi::RawValue,
                count: usize,
            ) -> $crate::abi::RawValue {
                $crate::driver::leaf(vm, || {
                    // SAFETY: the host passes its context, and as many arguments as the descriptor states.
                    let (cx, args) = unsafe { ($crate::Cx::new(vm), $crate::Value::arguments(args, count)) };
                    let [$($arg),*] = args else { return Err(cx.fail("the host passed a wrong number of arguments")) };
                    body(cx $(, $arg)*)
                })
            }

            $crate::abi::Builtin {
                flags: $crate::abi::flag::LEAF $($(| $crate::abi::flag::$flag)*)?,
                start,
                ..$crate::builtin!(@descriptor ($($doc),*) $name $since $example $result [$($($need)*)?] $($arg : $($mode)|+ $(as $told)?),*)
            }
        };
    };
    (
        $(#[doc = $doc:expr])*
        name = $name:literal, since = $since:literal, example = $example:literal => $result:literal,
        $(flags = [$($flag:ident),* $(,)?],)?
        $(needs = [$($need:ident),* $(,)?],)?
        $(driver = $driver:ident,)?
        $(quick = |$quick_cx:ident $(, $quick_arg:ident)*| $quick:expr,)?
        async fn $function:ident<$life:lifetime>($cx:ident $(, $arg:ident : $($mode:ident)|+ $(as $told:literal)?)* $(,)?) $body:block
    ) => {
        $(#[doc = $doc])*
        #[allow(non_upper_case_globals)]
        pub const $function: $crate::abi::Builtin = {
            #[inline(always)]
            async fn body<$life>($cx: $crate::Cx<$life>, args: $crate::__private::Args<$life>) -> $crate::Result<$crate::Value<$life>> {
                let [$($arg),*] = args.all();
                $body
            }

            unsafe extern "C" fn start(
                state: *mut u8,
                vm: *mut $crate::abi::VmContext,
                args: *const $crate::abi::RawValue,
                _: usize,
            ) -> $crate::abi::RawValue {
                // SAFETY: the host passes its context, a frame as the descriptor states it, and as many arguments, which live as
                // long as the frame.
                unsafe {
                    $crate::builtin!(@start $($driver)?)(state, vm, || {
                        body($crate::Cx::new(vm), $crate::__private::Args::new(args))
                    })
                }
            }

            const FRAME: $crate::driver::Frame = $crate::builtin!(@frame $($driver)?)(&body);
            $crate::abi::Builtin {
                flags: 0 $($(| $crate::abi::flag::$flag)*)?,
                frame_size: FRAME.size,
                frame_align: FRAME.align,
                start,
                resume: Some(FRAME.resume),
                drop: Some(FRAME.drop),
                quick: $crate::builtin!(@quick $(($quick_cx $($quick_arg)*) $quick)?),
                ..$crate::builtin!(@descriptor ($($doc),*) $name $since $example $result [$($($need)*)?] $($arg : $($mode)|+ $(as $told)?),*)
            }
        };
    };
    (@quick) => { None };
    (@quick ($cx:ident $($arg:ident)*) $quick:expr) => {{
        fn quick<'f>($cx: $crate::Cx<'f> $(, $arg: &$crate::Value<'f>)*) -> Option<$crate::Value<'f>> {
            $quick
        }

        unsafe extern "C" fn start(
            _: *mut u8,
            vm: *mut $crate::abi::VmContext,
            args: *const $crate::abi::RawValue,
            count: usize,
        ) -> $crate::abi::RawValue {
            $crate::driver::quick(vm, || {
                // SAFETY: the host passes its context, and as many arguments as the descriptor states.
                let (cx, args) = unsafe { ($crate::Cx::new(vm), $crate::Value::arguments(args, count)) };
                let [$($arg),*] = args else { return None };
                quick(cx $(, $arg)*)
            })
        }

        Some(start)
    }};
    (@start) => { $crate::driver::slot::start };
    (@start reference) => { $crate::driver::reference::start };
    (@frame) => { $crate::__private::slot_frame };
    (@frame reference) => { $crate::__private::reference_frame };
    (@descriptor ($($doc:expr),*) $name:literal $since:literal $example:literal $result:literal [$($need:ident)*]
        $($arg:ident : $($mode:ident)|+ $(as $told:literal)?),*) => {{
        const ARGS: &[$crate::abi::Arg] = &[$($crate::abi::Arg {
            name: $crate::abi::Bytes::from_str(stringify!($arg)),
            mode: 0 $(| $crate::__private::mode::$mode)+,
            reserved: 0,
            told: $crate::abi::Bytes::from_str(concat!("" $(, $told)?)),
        }),*];
        $crate::abi::Builtin {
            name: $crate::abi::Bytes::from_str($name),
            doc: $crate::abi::Bytes::from_str(concat!($($doc, "\n"),*)),
            example: $crate::abi::Bytes::from_str($example),
            example_result: $crate::abi::Bytes::from_str($result),
            since: $crate::abi::Bytes::from_str($since),
            args: ARGS.as_ptr(),
            arity: ARGS.len() as u32,
            capabilities: 0 $(| $crate::abi::capability::$need)*,
            ..$crate::__private::EMPTY
        }
    }};
}

/// Exports a plugin.
///
/// ```text
/// plugin! {
///     name: acme,                             // lower-case letters, digits, `_`
///     version: env!("CARGO_PKG_VERSION"),
///     builtins: [fold, greet],                // constants made by `builtin!`, by path
///     state: make_state,                      // optional: fn() -> T, called once for each VM; see `Cx::state`
/// }
/// ```
#[macro_export]
macro_rules! plugin {
    (
        name: $name:ident, version: $version:expr, builtins: [$($builtin:path),* $(,)?] $(, state: $state:path)?
        $(, build_id: $build_id:expr)? $(,)?
    ) => {
        const _: () = {
            const NAME: &str = stringify!($name);
            const VERSION: &str = $version;
            static BUILTINS: &[$crate::abi::Builtin] = &[$($builtin),*];
            const LISTED: &[$crate::abi::Builtin] = &[$($builtin),*];
            const MANIFEST_LEN: usize = $crate::manifest::length(NAME, VERSION, LISTED);

            #[used]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".piton_manifest"))]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__piton"))]
            static MANIFEST: [u8; MANIFEST_LEN] = $crate::manifest::render(NAME, VERSION, LISTED);

            unsafe extern "C" fn init(_: *mut $crate::abi::VmContext) -> *mut std::ffi::c_void {
                $crate::driver::install_panic_hook();
                $crate::plugin!(@state $($state)?)
            }

            $crate::plugin!(@fini fini $($state)?);

            static PLUGIN: $crate::abi::Plugin = $crate::abi::Plugin {
                name: $crate::abi::Bytes::from_str(NAME),
                version: $crate::abi::Bytes::from_str(VERSION),
                build_id: $crate::abi::Bytes::from_str(concat!("" $(, $build_id)?)),
                builtins: BUILTINS.as_ptr(),
                builtin_count: BUILTINS.len(),
                init: Some(init),
                fini: Some(fini),
                ..$crate::__private::PLUGIN
            };

            /// The entry that the host looks up by name.
            #[unsafe(export_name = concat!("piton_plugin_v1_", stringify!($name)))]
            pub extern "C" fn entry() -> *const $crate::abi::Plugin {
                &PLUGIN
            }
        };
    };
    (@state) => { std::ptr::null_mut() };
    (@state $state:path) => {
        match std::panic::catch_unwind($state) {
            Ok(state) => Box::into_raw(Box::new(state)).cast(),
            Err(_) => std::ptr::null_mut(),
        }
    };
    (@fini $fini:ident) => {
        unsafe extern "C" fn $fini(_: *mut std::ffi::c_void) {}
    };
    (@fini $fini:ident $state:path) => {
        unsafe extern "C" fn $fini(instance: *mut std::ffi::c_void) {
            fn free<T>(_: fn() -> T, instance: *mut std::ffi::c_void) {
                if !instance.is_null() {
                    // SAFETY: `init` made it of a `Box<T>`, and the host ends it once.
                    drop(unsafe { Box::from_raw(instance.cast::<T>()) });
                }
            }
            let _ = std::panic::catch_unwind(|| free($state, instance));
        }
    };
}

/// What the macros expand to; not for use by hand.
#[doc(hidden)]
pub mod private {
    use super::*;

    /// Argument modes by the names that `builtin!` knows.
    #[allow(non_upper_case_globals)]
    pub mod mode {
        use crate::abi::{arg, tag};
        pub const lazy: u32 = arg::LAZY;
        pub const any: u32 = arg::ANY;
        pub const null: u32 = arg::of(tag::NULL);
        pub const bool: u32 = arg::of(tag::BOOL);
        pub const int: u32 = arg::of(tag::INT);
        pub const float: u32 = arg::of(tag::FLOAT);
        pub const string: u32 = arg::of(tag::STRING);
        pub const path: u32 = arg::of(tag::PATH);
        pub const list: u32 = arg::of(tag::LIST);
        pub const attrs: u32 = arg::of(tag::ATTRS);
        pub const function: u32 = arg::of(tag::FUNCTION);
    }

    unsafe extern "C" fn missing(
        _: *mut u8,
        _: *mut abi::VmContext,
        _: *const abi::RawValue,
        _: usize,
    ) -> abi::RawValue {
        abi::RawValue::new(abi::tag::NULL, 0)
    }

    /// A descriptor whose fields the macro replaces.
    pub const EMPTY: abi::Builtin = abi::Builtin {
        name: Bytes::from_str(""),
        doc: Bytes::from_str(""),
        example: Bytes::from_str(""),
        example_result: Bytes::from_str(""),
        since: Bytes::from_str(""),
        args: std::ptr::null(),
        arity: 0,
        flags: 0,
        capabilities: 0,
        frame_size: 0,
        frame_align: 1,
        start: missing,
        resume: None,
        drop: None,
        quick: None,
    };

    extern "C" fn proof() -> RustProof {
        RustProof {
            abi_stable_version: Bytes::from_str(abi::ABI_STABLE_VERSION),
            layout: <abi::AbiTypes as abi_stable::StableAbi>::LAYOUT,
        }
    }

    /// A plugin whose fields the macro replaces.
    pub const PLUGIN: abi::Plugin = abi::Plugin {
        magic: abi::MAGIC,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        plugin_size: size_of::<abi::Plugin>() as u32,
        builtin_size: size_of::<abi::Builtin>() as u32,
        arg_size: size_of::<abi::Arg>() as u32,
        value_size: size_of::<abi::RawValue>() as u32,
        context_size: size_of::<abi::VmContext>() as u32,
        host_table_size: size_of::<abi::HostTable>() as u32,
        target: Bytes::from_str(abi::TARGET),
        name: Bytes::from_str(""),
        version: Bytes::from_str(""),
        build_id: Bytes::from_str(""),
        language: Bytes::from_str("rust"),
        builtins: std::ptr::null(),
        builtin_count: 0,
        init: None,
        fini: None,
        rust_proof: Some(proof),
    };

    /// The arguments of an async call: one word, where a reference to each would have to be stored in the frame.
    #[derive(Clone, Copy)]
    pub struct Args<'f> {
        first: *const Value<'f>,
        call: PhantomData<&'f Value<'f>>,
    }

    impl<'f> Args<'f> {
        /// # Safety
        /// `first` points to as many arguments as [`Args::all`] is asked for, which the host keeps alive for `'f`.
        #[inline(always)]
        pub unsafe fn new(first: *const abi::RawValue) -> Self {
            Args {
                first: first.cast(),
                call: PhantomData,
            }
        }

        /// Each of them.
        #[inline(always)]
        pub fn all<const N: usize>(self) -> [&'f Value<'f>; N] {
            // SAFETY: as `new` demands; a `Value` is a transparent `RawValue`.
            std::array::from_fn(|at| unsafe { &*self.first.add(at) })
        }
    }

    /// The body of an async builtin.
    pub trait Body<'f> {
        /// What it returns.
        type Future: Future<Output = Result<Value<'f>>> + 'f;
    }

    impl<'f, B, F> Body<'f> for B
    where
        B: Fn(Cx<'f>, Args<'f>) -> F,
        F: Future<Output = Result<Value<'f>>> + 'f,
    {
        type Future = F;
    }

    /// The frame of a body under the slot driver.
    pub const fn slot_frame<'f, B: Body<'f>>(_: &B) -> Frame {
        driver::slot::frame::<B::Future>()
    }

    /// The frame of a body under the reference driver.
    pub const fn reference_frame<'f, B: Body<'f>>(_: &B) -> Frame {
        driver::reference::frame::<B::Future>()
    }
}
