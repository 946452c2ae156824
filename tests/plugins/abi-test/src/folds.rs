//! One body under both drivers: what `slotFold` and `refFold` do must not differ, nor `slotSort` and `refSort`.

use piton_plugin_api::{Cx, Result, Value, builtin};

/// A strict left fold that forces, calls, and keeps every second accumulator until the end.
async fn fold<'f>(
    cx: Cx<'f>,
    op: &Value<'f>,
    start: &Value<'f>,
    list: &Value<'f>,
) -> Result<Value<'f>> {
    let mut accumulator = start.clone();
    let mut kept = Vec::new();
    for at in 0..cx.list_len(list)? {
        let element = cx.force(&cx.list_get(list, at)).await?;
        accumulator = cx.call(op, [&accumulator, &element]).await?;
        if at % 2 == 1 {
            kept.push(accumulator.clone());
        }
    }
    kept.push(accumulator);
    Ok(cx.list(&kept))
}

builtin! {
    /// A strict left fold: the list of every second accumulator and of the last.
    name = "slotFold", since = "0.1.0", example = "builtins.slotFold (a: b: a + b) 0 [ 1 2 3 4 5 ]" => "[ 3 10 15 ]",
    async fn slot_fold<'f>(cx, op: any, start: lazy, list: list) {
        fold(cx, op, start, list).await
    }
}

builtin! {
    /// As `slotFold`, run by the reference driver.
    name = "refFold", since = "0.1.0", example = "builtins.refFold (a: b: a + b) 0 [ 1 2 3 4 5 ]" => "[ 3 10 15 ]",
    driver = reference,
    async fn ref_fold<'f>(cx, op: any, start: lazy, list: list) {
        fold(cx, op, start, list).await
    }
}

/// An insertion sort by a Nix function: values move about in a vector between suspensions.
async fn sort<'f>(cx: Cx<'f>, less: &Value<'f>, list: &Value<'f>) -> Result<Value<'f>> {
    let mut items: Vec<Value<'f>> = Vec::new();
    for item in cx.list_items(list)? {
        let mut at = items.len();
        while at > 0 {
            let answer = cx.call(less, [&item, &items[at - 1]]).await?;
            if !cx.bool(&answer)? {
                break;
            }
            at -= 1;
        }
        items.insert(at, item);
    }
    Ok(cx.list(&items))
}

builtin! {
    /// Sorts by a function that says whether its first argument is less.
    name = "slotSort", since = "0.1.0", example = "builtins.slotSort (a: b: a < b) [ 3 1 2 ]" => "[ 1 2 3 ]",
    async fn slot_sort<'f>(cx, less: any, list: list) {
        sort(cx, less, list).await
    }
}

builtin! {
    /// As `slotSort`, run by the reference driver.
    name = "refSort", since = "0.1.0", example = "builtins.refSort (a: b: a < b) [ 3 1 2 ]" => "[ 1 2 3 ]",
    driver = reference,
    async fn ref_sort<'f>(cx, less: any, list: list) {
        sort(cx, less, list).await
    }
}
