//! Runs the body of a builtin, a future, in the frame that the host reserved for it.
//!
//! [`slot`] polls the future where it lies; [`reference`](mod@reference) runs the same body as a generator of genawaiter
//! (its `stack` flavour, in the same place). Both speak the same protocol with the host; the second exists so that the
//! first can be compared against it.

use crate::abi::{Bytes, RawValue, VmContext, tag};
use crate::context::Result;
use crate::value::Value;
use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll, Waker};

/// Size, alignment and entry points of a frame, for the descriptor.
pub struct Frame {
    /// Its size.
    pub size: u32,
    /// Its alignment.
    pub align: u32,
    /// Goes on after a request.
    pub resume: crate::abi::Resume,
    /// Ends a suspended call.
    pub drop: crate::abi::DropState,
}

thread_local! {
    /// Message and place of the last panic on this thread, noted by the hook.
    static LAST_PANIC: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Installs the hook that notes message and place of a panic. A plugin has a standard library of its own, so the host's hook
/// never fires for it. Called by the plugin's `init`.
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let message = info
                .payload_as_str()
                .unwrap_or("panic without a message")
                .to_owned();
            let place = info
                .location()
                .map_or_else(String::new, ToString::to_string);
            LAST_PANIC.with_borrow_mut(|last| *last = Some((message, place)));
        }));
    });
}

#[cold]
fn panicked(vm: *mut VmContext) -> RawValue {
    let (message, place) = LAST_PANIC
        .with_borrow_mut(Option::take)
        .unwrap_or_else(|| ("panic without a message".to_owned(), String::new()));
    // SAFETY: the context is valid during a poll; the texts outlive the call.
    unsafe {
        ((*(*vm).host).panic)(
            vm,
            Bytes::borrow(message.as_bytes()),
            Bytes::borrow(place.as_bytes()),
        )
    }
}

/// Runs `f`; `None` if it panicked. The panic's payload is dropped under a catch of its own, since it may panic too.
#[inline(always)]
fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Runs `f`, which comes to two words; `None` if it panicked.
///
/// A catch hands its result through memory. Written there word by word and read as a whole, a `RawValue` would wait for the
/// stores to retire: that alone costs more than the rest of a call.
#[inline(always)]
fn guarded_value(f: impl FnOnce() -> RawValue) -> Option<RawValue> {
    let (mut head, mut payload) = (0, 0);
    let (head_out, payload_out) = (&mut head, &mut payload);
    guarded(move || {
        let raw = f();
        *head_out = raw.head;
        *payload_out = raw.payload;
    })?;
    Some(RawValue { head, payload })
}

#[cold]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[inline(always)]
fn finish(result: Result<Value<'_>>) -> RawValue {
    match result {
        Ok(value) => value.release(),
        Err(error) => error.release(),
    }
}

/// Runs a leaf.
#[inline(always)]
pub fn leaf<'f>(vm: *mut VmContext, body: impl FnOnce() -> Result<Value<'f>>) -> RawValue {
    match guarded_value(|| finish(body())) {
        Some(raw) => raw,
        None => panicked(vm),
    }
}

/// Tries a call at once.
#[inline(always)]
pub fn quick<'f>(vm: *mut VmContext, body: impl FnOnce() -> Option<Value<'f>>) -> RawValue {
    let tried = guarded_value(|| match body() {
        Some(value) => value.release(),
        None => RawValue::new(tag::ABSENT, 0),
    });
    match tried {
        Some(raw) => raw,
        None => panicked(vm),
    }
}

/// The driver of the hot path.
pub mod slot {
    use super::*;

    /// Builds the future in `state` and polls it once.
    ///
    /// # Safety
    /// `state` has room and alignment for `F`, does not move, and `vm` is the host's context. `make` does not panic. `F` is the future of an
    /// async block or function: it holds nothing any more once it is ready, so that it is not dropped then.
    #[inline(always)]
    pub unsafe fn start<'f, F: Future<Output = Result<Value<'f>>>>(
        state: *mut u8,
        vm: *mut VmContext,
        make: impl FnOnce() -> F,
    ) -> RawValue {
        let future = state.cast::<F>();
        let polled = guarded_value(|| {
            // SAFETY: the caller's contract.
            unsafe {
                future.write(make());
                poll(future)
            }
        });
        // SAFETY: written above, since `make` has not panicked.
        unsafe { polled_to(future, vm, polled) }
    }

    /// # Safety
    /// `future` was written by [`start`], has not ended, and the host never moves a frame.
    #[inline(never)]
    unsafe fn poll<'f, F: Future<Output = Result<Value<'f>>>>(future: *mut F) -> RawValue {
        let mut context = Context::from_waker(Waker::noop());
        // SAFETY: the caller's contract.
        match unsafe { Pin::new_unchecked(&mut *future) }.poll(&mut context) {
            Poll::Pending => RawValue::new(tag::PENDING, 0),
            Poll::Ready(result) => finish(result),
        }
    }

    /// # Safety
    /// `future` was written by [`start`] and has just been polled, to this.
    #[inline(always)]
    unsafe fn polled_to<'f, F: Future<Output = Result<Value<'f>>>>(
        future: *mut F,
        vm: *mut VmContext,
        polled: Option<RawValue>,
    ) -> RawValue {
        match polled {
            Some(raw) => raw,
            None => {
                let raw = panicked(vm);
                // A drop that panics again leaks what is left of the frame; the host sweeps its roots.
                // SAFETY: panicked, never polled again.
                guarded(|| unsafe { future.drop_in_place() });
                raw
            }
        }
    }

    unsafe extern "C" fn resume<'f, F: Future<Output = Result<Value<'f>>>>(
        state: *mut u8,
        vm: *mut VmContext,
        response: RawValue,
    ) -> RawValue {
        // SAFETY: the host resumes what `start` left suspended in `state`.
        unsafe {
            (*vm).response = response;
            let future = state.cast::<F>();
            let polled = guarded_value(|| poll(future));
            polled_to(future, vm, polled)
        }
    }

    unsafe extern "C" fn drop_state<F>(state: *mut u8, vm: *mut VmContext) {
        // SAFETY: the host ends what `start` left suspended in `state`, once.
        if guarded(|| unsafe { state.cast::<F>().drop_in_place() }).is_none() {
            panicked(vm);
        }
    }

    /// The frame of a body whose future is `F`.
    pub const fn frame<'f, F: Future<Output = Result<Value<'f>>>>() -> Frame {
        Frame {
            size: size_of::<F>() as u32,
            align: align_of::<F>() as u32,
            resume: resume::<F>,
            drop: drop_state::<F>,
        }
    }
}

/// The reference driver: a generator of genawaiter that yields at each suspension.
pub mod reference {
    use super::*;
    use genawaiter::GeneratorState;
    use genawaiter::stack::{Co, Gen, Shelf};

    /// The body, with the lifetime of the call erased: the frame, and so the call, outlives it.
    type Body = Pin<Box<dyn Future<Output = Result<Value<'static>>>>>;

    /// A generator beside the shelf it lives on; neither moves once made.
    struct State {
        generator: Option<Gen<'static, (), (), Body>>,
        shelf: Shelf<(), (), Body>,
    }

    /// Polls the body; at each suspension yields once.
    async fn produce(co: Co<'static, ()>, mut body: Body) -> Result<Value<'static>> {
        loop {
            let polled =
                std::future::poll_fn(|context| Poll::Ready(body.as_mut().poll(context))).await;
            match polled {
                Poll::Ready(result) => return result,
                Poll::Pending => co.yield_(()).await,
            }
        }
    }

    /// Builds the generator in `state` and runs it to its first suspension.
    ///
    /// # Safety
    /// As for [`slot::start`], with the room that [`frame`] states.
    pub unsafe fn start<'f, F: Future<Output = Result<Value<'f>>> + 'f>(
        state: *mut u8,
        vm: *mut VmContext,
        make: impl FnOnce() -> F,
    ) -> RawValue {
        let state = state.cast::<State>();
        let body: Pin<Box<dyn Future<Output = Result<Value<'f>>> + 'f>> = Box::pin(make());
        // SAFETY: the types differ in lifetimes alone, and the body is dropped before the call that `'f` names ends.
        let body = unsafe {
            std::mem::transmute::<Pin<Box<dyn Future<Output = Result<Value<'f>>> + 'f>>, Body>(body)
        };
        // SAFETY: `state` has the room; the shelf lies in host memory that does not move and is dropped after the generator; the
        // `Co` lives inside of the future and so not longer than the generator.
        unsafe {
            state.write(State {
                generator: None,
                shelf: Shelf::new(),
            });
            let shelf: &'static mut Shelf<(), (), Body> = &mut (*state).shelf;
            let generator = Gen::new(shelf, |co| -> Body { Box::pin(produce(co, body)) });
            (*state).generator = Some(generator);
            step(state, vm)
        }
    }

    unsafe fn step(state: *mut State, vm: *mut VmContext) -> RawValue {
        // SAFETY: written by `start`, not yet ended.
        let generator = unsafe { &mut (*state).generator };
        let stepped = guarded(|| generator.as_mut().map(|generator| generator.resume()));
        let raw = match stepped.flatten() {
            Some(GeneratorState::Yielded(())) => return RawValue::new(tag::PENDING, 0),
            Some(GeneratorState::Complete(result)) => finish(result),
            None => panicked(vm),
        };
        // SAFETY: ended, never stepped again.
        guarded(|| unsafe { state.drop_in_place() });
        raw
    }

    unsafe extern "C" fn resume(
        state: *mut u8,
        vm: *mut VmContext,
        response: RawValue,
    ) -> RawValue {
        // SAFETY: the host resumes what `start` left suspended in `state`.
        unsafe {
            (*vm).response = response;
            step(state.cast(), vm)
        }
    }

    unsafe extern "C" fn drop_state(state: *mut u8, vm: *mut VmContext) {
        // SAFETY: the host ends what `start` left suspended in `state`, once.
        if guarded(|| unsafe { state.cast::<State>().drop_in_place() }).is_none() {
            panicked(vm);
        }
    }

    /// The frame of any body under this driver.
    pub const fn frame<'f, F: Future<Output = Result<Value<'f>>> + 'f>() -> Frame {
        Frame {
            size: size_of::<State>() as u32,
            align: align_of::<State>() as u32,
            resume,
            drop: drop_state,
        }
    }
}
