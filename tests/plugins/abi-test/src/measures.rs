//! Small builtins that benchmarks call: each measures one way across the boundary.

use piton_plugin_api::{Value, builtin};

builtin! {
    /// The sum modulo 2^64, as a leaf.
    name = "leafAdd", since = "0.1.0", example = "builtins.leafAdd 1 2" => "3",
    leaf fn leaf_add<'f>(cx, a: int, b: int) {
        Ok(Value::int(cx.int(a)?.wrapping_add(cx.int(b)?)))
    }
}

builtin! {
    /// The sum modulo 2^64, async and never suspending.
    name = "asyncAdd", since = "0.1.0", example = "builtins.asyncAdd 1 2" => "3",
    async fn async_add<'f>(cx, a: int, b: int) {
        Ok(Value::int(cx.int(&a)?.wrapping_add(cx.int(&b)?)))
    }
}

builtin! {
    /// As `asyncAdd`, run by the reference driver.
    name = "refAdd", since = "0.1.0", example = "builtins.refAdd 1 2" => "3",
    driver = reference,
    async fn ref_add<'f>(cx, a: int, b: int) {
        Ok(Value::int(cx.int(&a)?.wrapping_add(cx.int(&b)?)))
    }
}

builtin! {
    /// Makes `n` requests that carry integers, and answers the last answer: the bare cost of a suspension.
    name = "askMany", since = "0.1.0", example = "builtins.askMany 3 (i: i + 1)" => "3",
    async fn ask_many<'f>(cx, n: int, f: lazy) {
        let mut last = Value::int(0);
        for _ in 0..cx.int(&n)? {
            last = cx.call(&f, [&last]).await?;
        }
        Ok(last)
    }
}

builtin! {
    /// The sum of a list of evaluated integers, read without suspending.
    name = "plainSum", since = "0.1.0", example = "builtins.plainSum [ 1 2 3 ]" => "6",
    leaf fn plain_sum<'f>(cx, list: list) {
        let mut sum = 0_i64;
        cx.list_each(list, |value| {
            sum = sum.wrapping_add(cx.int(value)?);
            Ok(())
        })?;
        Ok(Value::int(sum))
    }
}

builtin! {
    /// The sum of a list of integers, each forced in turn.
    name = "forceSum", since = "0.1.0", example = "builtins.forceSum [ 1 (1 + 1) 3 ]" => "6",
    async fn force_sum<'f>(cx, list: list) {
        let mut sum = 0_i64;
        for at in 0..cx.list_len(&list)? {
            let value = cx.force(&cx.list_get(&list, at)).await?;
            sum = sum.wrapping_add(cx.int(&value)?);
        }
        Ok(Value::int(sum))
    }
}

builtin! {
    /// A constant.
    name = "answer", since = "0.1.0", example = "builtins.answer" => "42",
    leaf fn answer<'f>(_cx) {
        Ok(Value::int(42))
    }
}

builtin! {
    /// The list of thunks `f element`.
    name = "lazyMap", since = "0.1.0", example = "builtins.length (builtins.lazyMap (x: throw \"no\") [ 1 2 ])" => "2",
    leaf fn lazy_map<'f>(cx, f: lazy, list: list) {
        Ok(cx.list_map(f, list))
    }
}
