//! Builtins that suspend: nested, in long loops, while holding many values, and dropped while suspended.

use piton_plugin_api::{Cx, Result, Value, builtin};
use std::sync::atomic::{AtomicI64, Ordering};

builtin! {
    /// Calls `f` with `n`. A Nix recursion through it nests suspended frames: a million of them, for instance.
    name = "callNested", since = "0.1.0",
    example = "let f = n: if n == 0 then 0 else 1 + builtins.callNested f (n - 1); in f 100" => "100",
    async fn call_nested<'f>(cx, f: any, n: any) {
        cx.call(&f, [&n]).await
    }
}

builtin! {
    /// Calls `f` with 0 to `n - 1` in one frame, holding a few values throughout, and answers the last answer.
    name = "loopRequests", since = "0.1.0", example = "builtins.loopRequests 1000 (i: i * 2)" => "1998",
    async fn loop_requests<'f>(cx, n: int, f: any) {
        let text = "a string that is too long to be stored in a word";
        let held = [cx.string(text), cx.list(&[Value::int(1), Value::int(2)])];
        let mut last = Value::null();
        for i in 0..cx.int(&n)? {
            last = cx.call(&f, [&Value::int(i)]).await?;
        }
        check(cx, text, &held)?;
        Ok(last)
    }
}

/// Fails unless the values of `loopRequests` are what they were.
fn check<'f>(cx: Cx<'f>, text: &str, held: &[Value<'f>; 2]) -> Result<()> {
    if cx.bytes(&held[0])? != text.as_bytes() || cx.list_len(&held[1])? != 2 {
        return Err(cx.fail("a value that was held has changed"));
    }
    Ok(())
}

builtin! {
    /// Keeps the answers of `n` calls of `f` in a vector and answers them as a list.
    name = "holdMany", since = "0.1.0", example = "builtins.holdMany 3 (i: [ i ])" => "[ [ 0 ] [ 1 ] [ 2 ] ]",
    async fn hold_many<'f>(cx, n: int, f: any) {
        let mut held = Vec::new();
        for i in 0..cx.int(&n)? {
            held.push(cx.call(&f, [&Value::int(i)]).await?);
        }
        Ok(cx.list(&held))
    }
}

builtin! {
    /// Says that it holds `bytes` bytes in memory of its own, and calls `f` with that number.
    name = "holdBytes", since = "0.1.0", example = "builtins.holdBytes 1000 (bytes: bytes + 1)" => "1001",
    async fn hold_bytes<'f>(cx, bytes: int, f: any) {
        cx.hold(usize::try_from(cx.int(bytes)?).unwrap_or(usize::MAX)).await?;
        cx.call(&f, [bytes]).await
    }
}

builtin! {
    /// Forgets `n` rooted values, as a leaking plugin would, and calls `f`: the host sweeps the roots with the frame.
    name = "leakRoots", since = "0.1.0", example = "builtins.leakRoots 10 (x: x)" => "10",
    async fn leak_roots<'f>(cx, n: int, f: any) {
        for _ in 0..cx.int(&n)? {
            std::mem::forget(cx.string("a string that is too long to be stored in a word"));
        }
        cx.call(&f, [&n]).await
    }
}

builtin! {
    /// Calls `f` with null; answers the answer, or null where `f` throws.
    name = "tryCall", since = "0.1.0", example = "builtins.tryCall (_: throw \"no\")" => "null",
    async fn try_call<'f>(cx, f: any) {
        let call = cx.apply_lazily(&f, &[Value::null()]);
        Ok(cx.try_force(&call).await?.unwrap_or_else(Value::null))
    }
}

/// How many guards of `dropWatch` were dropped, in all VMs of the process.
static DROPPED: AtomicI64 = AtomicI64::new(0);

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

builtin! {
    /// Calls `f` with null, holding a guard that counts when it is dropped.
    name = "dropWatch", since = "0.1.0", example = "builtins.dropWatch (x: 1)" => "1",
    async fn drop_watch<'f>(cx, f: any) {
        let guard = Guard;
        let answer = cx.call(&f, [&Value::null()]).await?;
        drop(guard);
        Ok(answer)
    }
}

builtin! {
    /// How many guards of `dropWatch` were dropped so far. The argument is not looked at.
    name = "dropCount", since = "0.1.0", example = "builtins.dropCount null >= 0" => "true",
    leaf fn drop_count<'f>(_cx, _x: lazy) {
        Ok(Value::int(DROPPED.load(Ordering::Relaxed)))
    }
}
