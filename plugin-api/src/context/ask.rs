//! What suspends: requests to the host, and the futures that wait for its answers.

use super::cx::{Cx, host};
use super::error::{Error, Result};
use crate::abi::{RawValue, coerce, request, tag};
use crate::value::Value;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<'f> Cx<'f> {
    /// Evaluates to weak head normal form. What is not a thunk returns without suspending.
    #[inline(always)]
    pub fn force(self, value: &Value<'f>) -> Forced<'f> {
        if value.is_thunk() {
            self.evaluate(self.peek(value))
        } else {
            self.ready(value.clone())
        }
    }

    /// The same for a value that its holder gives up, which so needs no second root. A thunk that has been evaluated since the
    /// value was obtained costs a suspension.
    #[inline(always)]
    pub fn evaluate(self, value: Value<'f>) -> Forced<'f> {
        if value.is_thunk() {
            self.asked(self.ask(request::FORCE, 0, [&value]))
        } else {
            self.ready(value)
        }
    }

    #[inline(always)]
    fn ready(self, value: Value<'f>) -> Forced<'f> {
        Forced {
            value: Some(value),
            answer: Answer {
                cx: self,
                asked: false,
            },
        }
    }

    #[inline(always)]
    fn asked(self, answer: Answer<'f>) -> Forced<'f> {
        Forced {
            value: None,
            answer,
        }
    }

    /// Fails where data nested `level` deep is deeper than calls may be nested: for a builtin that walks data with a stack of its
    /// own, which else would follow data that contains itself for ever.
    pub async fn check_nesting(self, level: usize) -> Result<()> {
        let level = Value::int(level as i64);
        let null = Value::null();
        self.ask(request::FORCE, 0, [&null, &level]).await?;
        Ok(())
    }

    /// Evaluates everything that can be reached.
    #[inline]
    pub fn force_deep(self, value: &Value<'f>) -> Answer<'f> {
        self.ask(request::FORCE_DEEP, 0, [value])
    }

    /// The list with its elements coerced to strings, one after the other, with `flags` of [`coerce`].
    #[inline]
    pub fn coerce_items(self, list: &Value<'f>, flags: u64) -> Answer<'f> {
        self.ask(request::COERCE_ITEMS, flags, [list])
    }

    /// Tells how many bytes the builtin holds in memory of its own, all together, until it tells otherwise or ends. They count for
    /// the limit of memory, and where that is passed the builtin ends here. Whoever is about to double a large table says so first:
    /// while it is copied, there are both.
    #[inline]
    pub fn hold(self, bytes: usize) -> Answer<'f> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.ask(request::HOLD, 0, [&Value::int(bytes)])
    }

    /// Evaluates to weak head normal form; `None` where `throw` or `assert` failed.
    pub fn try_force(
        self,
        value: &Value<'f>,
    ) -> impl Future<Output = Result<Option<Value<'f>>>> + use<'f> {
        self.ask_optional(request::TRY_FORCE, 0, [value])
    }

    /// Like [`Cx::force`]; an error that passes through gains the line `context`.
    pub fn force_with_context(self, value: &Value<'f>, context: &Value<'f>) -> Answer<'f> {
        self.ask(request::FORCE_WITH_CONTEXT, 0, [value, context])
    }

    /// Calls a function with 1 to 5 arguments; the result is in weak head normal form.
    #[inline(always)]
    pub fn call<const N: usize>(self, f: &Value<'f>, args: [&Value<'f>; N]) -> Answer<'f> {
        const { assert!(N >= 1 && N <= 5, "a call has 1 to 5 arguments") };
        // By reference: an iterator that owns the array would be written into memory, and read again.
        let all = std::iter::once(f).chain(args.iter().copied());
        self.write_request(request::CALL, 0, all);
        Answer {
            cx: self,
            asked: false,
        }
    }

    /// The same at once, where `f` is a builtin that never suspends and whose strict arguments are evaluated. Nothing where it is
    /// none, where it comes to a thunk, or where that cannot be told: then [`Cx::call`] does it, and may call `f` again.
    #[inline]
    pub fn call_at_once<const N: usize>(
        self,
        f: &Value<'f>,
        args: [&Value<'f>; N],
    ) -> Option<Result<Value<'f>>> {
        let args = args.map(|arg| arg.raw().by_words());
        let raw = host!(self.call_at_once(f.raw(), args.as_ptr(), N));
        match raw.tag() {
            tag::ABSENT => None,
            tag::ERROR => Some(Err(Error { marker: raw })),
            _ => Some(Ok(self.adopt(raw))),
        }
    }

    /// Coerces to a string as interpolation does; `flags` of [`coerce`]. What is a string already returns without suspending.
    #[inline]
    pub fn coerce_to_string(self, value: &Value<'f>, flags: u64) -> Coerced<'f> {
        let stage = match self.string_at_hand(value, flags) {
            Some(string) => Stage::Ready(string),
            None if value.is_thunk() => {
                self.write_request(request::FORCE, 0, [value]);
                Stage::Asked(request::FORCE)
            }
            None => {
                self.write_request(request::COERCE_TO_STRING, flags, [value]);
                Stage::Asked(request::COERCE_TO_STRING)
            }
        };
        Coerced {
            cx: self,
            flags,
            stage,
        }
    }

    /// Coerces as `toString` does.
    #[inline]
    pub fn to_string(self, value: &Value<'f>) -> Coerced<'f> {
        self.coerce_to_string(value, coerce::MORE)
    }

    /// `a == b`; without a request where both are evaluated, and small.
    #[inline]
    pub fn equal(
        self,
        a: &Value<'f>,
        b: &Value<'f>,
    ) -> impl Future<Output = Result<bool>> + use<'f> {
        let known = host!(self.equal_at_once(a.raw(), b.raw()));
        let asked = (known.tag() == tag::ABSENT).then(|| self.ask(request::EQUAL, 0, [a, b]));
        async move {
            match asked {
                None => Ok(known.payload != 0),
                Some(answer) => self.bool(&answer.await?),
            }
        }
    }

    /// `a < b`
    #[inline]
    pub fn less(
        self,
        a: &Value<'f>,
        b: &Value<'f>,
    ) -> impl Future<Output = Result<bool>> + use<'f> {
        let answer = self.ask(request::LESS, 0, [a, b]);
        async move { self.bool(&answer.await?) }
    }

    /// The value of Nix source text, evaluated in the scope of all builtins: for what Nix can say itself.
    pub fn eval_text(self, source: &str) -> Answer<'f> {
        self.ask(request::EVAL_TEXT, 0, [&self.string(source)])
    }

    /// Any request whose answer is a value.
    ///
    /// It is written at once: await what this returns before asking for anything else.
    #[inline(always)]
    pub fn ask<const N: usize>(self, number: u32, flags: u64, args: [&Value<'f>; N]) -> Answer<'f> {
        const { assert!(N <= 6, "a request has at most 6 arguments") };
        self.write_request(number, flags, args);
        Answer {
            cx: self,
            asked: false,
        }
    }

    /// Any request whose answer may be "absent".
    pub fn ask_optional<const N: usize>(
        self,
        number: u32,
        flags: u64,
        args: [&Value<'f>; N],
    ) -> impl Future<Output = Result<Option<Value<'f>>>> + use<'f, N> {
        let asked = Suspend::new();
        self.write_request(number, flags, args);
        async move {
            asked.await;
            match self.response().tag() {
                tag::ABSENT => Ok(None),
                _ => self.answer().map(Some),
            }
        }
    }

    /// Writes the request where the host reads it, before the future suspends: this keeps the arguments out of the future.
    #[inline(always)]
    fn write_request<'v>(
        self,
        number: u32,
        flags: u64,
        args: impl IntoIterator<Item = &'v Value<'f>>,
    ) where
        'f: 'v,
    {
        // SAFETY: the context is the host's, valid during a poll, and nobody else uses the request slot meanwhile.
        let slot = unsafe { &mut (*self.vm).request };
        assert!(
            slot.number == 0,
            "one request at a time: the one before has not been awaited"
        );
        let mut argc = 0;
        for arg in args {
            slot.args[argc] = arg.raw().by_words();
            argc += 1;
        }
        slot.number = number;
        slot.argc = argc as u32;
        slot.flags = flags;
    }

    #[inline(always)]
    fn response(self) -> RawValue {
        // SAFETY: as in `write_request`; the host has written the answer before it polled again.
        unsafe { (*self.vm).response }
    }

    #[inline(always)]
    fn answer(self) -> Result<Value<'f>> {
        let raw = self.response();
        if raw.tag() > tag::THUNK {
            return Err(self.no_value(raw));
        }
        Ok(self.adopt(raw))
    }

    /// The answer is a marker and must not become a [`Value`].
    #[cold]
    fn no_value(self, raw: RawValue) -> Error {
        self.fail(match raw.tag() {
            tag::UNSUPPORTED => {
                "this version of Piton does not support a request that the builtin makes"
            }
            _ => "the builtin did not expect that its request has no answer",
        })
    }
}

/// The answer to a request that has been written; suspends when it is awaited.
pub struct Answer<'f> {
    cx: Cx<'f>,
    asked: bool,
}

impl<'f> Future for Answer<'f> {
    type Output = Result<Value<'f>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.asked {
            return Poll::Ready(self.cx.answer());
        }
        self.asked = true;
        Poll::Pending
    }
}

/// A value in weak head normal form: there already, or the answer to a request.
pub struct Forced<'f> {
    value: Option<Value<'f>>,
    answer: Answer<'f>,
}

impl<'f> Future for Forced<'f> {
    type Output = Result<Value<'f>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.value.take() {
            Some(value) => Poll::Ready(Ok(value)),
            None => Pin::new(&mut self.answer).poll(context),
        }
    }
}

/// A value on its way to be a string: there already, or forced first and then coerced by the host.
pub struct Coerced<'f> {
    cx: Cx<'f>,
    flags: u64,
    stage: Stage<'f>,
}

enum Stage<'f> {
    Ready(Value<'f>),
    /// The request has been written.
    Asked(u32),
    /// And the builtin is suspended by it.
    Waiting(u32),
    Over,
}

impl<'f> Future for Coerced<'f> {
    type Output = Result<Value<'f>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let cx = self.cx;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ready(string) => Poll::Ready(Ok(string)),
            Stage::Asked(request) => {
                self.stage = Stage::Waiting(request);
                Poll::Pending
            }
            Stage::Waiting(request::FORCE) => {
                let value = cx.answer()?;
                if let Some(string) = cx.string_at_hand(&value, self.flags) {
                    return Poll::Ready(Ok(string));
                }
                cx.write_request(request::COERCE_TO_STRING, self.flags, [&value]);
                self.stage = Stage::Waiting(request::COERCE_TO_STRING);
                Poll::Pending
            }
            Stage::Waiting(_) => Poll::Ready(cx.answer()),
            Stage::Over => panic!("awaited again after its end"),
        }
    }
}

/// Pending once: the driver sees it and returns to the host, which resumes with the answer in place.
struct Suspend {
    suspended: bool,
}

impl Suspend {
    #[inline(always)]
    fn new() -> Self {
        Suspend { suspended: false }
    }
}

impl Future for Suspend {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.suspended {
            return Poll::Ready(());
        }
        self.suspended = true;
        Poll::Pending
    }
}
