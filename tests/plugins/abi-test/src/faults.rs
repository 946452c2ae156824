//! Builtins that panic, fail, or ask for what they may not have.

use piton_plugin_api::abi::request;
use piton_plugin_api::{ErrorKind, Value, builtin};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

builtin! {
    /// Panics.
    name = "panicLeaf", since = "0.1.0", example = "(builtins.tryEval (x: builtins.panicLeaf x)).success" => "true",
    leaf fn panic_leaf<'f>(_cx, x: any) {
        panic!("panicLeaf was called with {x:?}")
    }
}

builtin! {
    /// Calls `f`, holds what it answers and more, then panics.
    name = "panicAsync", since = "0.1.0", example = "(builtins.tryEval (x: builtins.panicAsync x)).success" => "true",
    async fn panic_async<'f>(cx, f: any) {
        let held = [cx.string("a string that is too long to be stored in a word"), cx.list(&[Value::int(1)])];
        let answer = cx.call(&f, [&held[0]]).await?;
        panic!("panicAsync holds {held:?} and {answer:?}")
    }
}

builtin! {
    /// Panics with something that is not text.
    name = "panicNumber", since = "0.1.0", example = "(builtins.tryEval (x: builtins.panicNumber x)).success" => "true",
    leaf fn panic_number<'f>(_cx, _x: any) {
        std::panic::panic_any(42_u8)
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb was dropped");
    }
}

builtin! {
    /// Panics with a payload that panics when it is dropped.
    name = "panicPayload", since = "0.1.0", example = "(builtins.tryEval (x: builtins.panicPayload x)).success" => "true",
    leaf fn panic_payload<'f>(_cx, _x: any) {
        std::panic::panic_any(Bomb)
    }
}

builtin! {
    /// Calls `f` while it holds a guard whose drop panics: if `f` fails, in the frame's drop; if not, in the last poll.
    name = "panicInDrop", since = "0.1.0", example = "(builtins.tryEval (x: builtins.panicInDrop x)).success" => "true",
    async fn panic_in_drop<'f>(cx, f: any) {
        // Dropped after the bomb, were there no panic: its root is for the host to sweep or for unwinding to release.
        let held = cx.string("a string that is too long to be stored in a word");
        let bomb = Bomb;
        let answer = cx.call(&f, [&held]).await?;
        drop(bomb);
        Ok(answer)
    }
}

builtin! {
    /// Fails with an error of the kind `kind` (a number of the ABI) and the message `message`.
    name = "failLeaf", since = "0.1.0", example = "(builtins.tryEval (builtins.failLeaf 2 \"caught\")).success" => "false",
    leaf fn fail_leaf<'f>(cx, kind: int, message: string) {
        let kind = match cx.int(kind)? {
            1 => ErrorKind::Type,
            2 => ErrorKind::Throw,
            3 => ErrorKind::Abort,
            4 => ErrorKind::MissingAttribute,
            5 => ErrorKind::Io,
            6 => ErrorKind::Forbidden,
            7 => ErrorKind::Assertion,
            8 => ErrorKind::Limit,
            _ => ErrorKind::Eval,
        };
        Err(cx.error_bytes(kind, cx.bytes(message)?))
    }
}

builtin! {
    /// Makes an error, throws it away, calls `f`, and fails with another: the second is the one to be seen.
    name = "failAfter", since = "0.1.0", example = "(builtins.tryEval (x: builtins.failAfter x)).success" => "true",
    async fn fail_after<'f>(cx, f: any) {
        let _ = cx.fail("the first error");
        let answer = cx.call(&f, [&Value::null()]).await?;
        cx.int(&answer)?;
        Err(cx.fail("the second error"))
    }
}

builtin! {
    /// Asks for the time and has not declared that it needs it.
    name = "needsClock", since = "0.1.0", example = "(builtins.tryEval (x: builtins.needsClock x)).success" => "true",
    async fn needs_clock<'f>(cx, _x: any) {
        cx.ask(request::CURRENT_TIME, 0, []).await
    }
}

builtin! {
    /// Asks for the time and has declared it.
    name = "hasClock", since = "0.1.0", example = "builtins.hasClock null > 0" => "true",
    needs = [CLOCK],
    async fn has_clock<'f>(cx, _x: any) {
        cx.ask(request::CURRENT_TIME, 0, []).await
    }
}

builtin! {
    /// Asks what no host knows.
    name = "unknownRequest", since = "0.1.0", example = "(builtins.tryEval (x: builtins.unknownRequest x)).success" => "true",
    async fn unknown_request<'f>(cx, x: any) {
        cx.ask(9999, 0, [&x]).await
    }
}

/// Suspends once without a request.
struct Idle(bool);

impl Future for Idle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

builtin! {
    /// Calls `f`, then suspends without asking for anything: the host must not serve the old request again.
    name = "noRequest", since = "0.1.0", example = "(builtins.tryEval (x: builtins.noRequest x)).success" => "true",
    async fn no_request<'f>(cx, f: any) {
        let answer = cx.call(&f, [&Value::null()]).await?;
        Idle(false).await;
        Ok(answer)
    }
}
