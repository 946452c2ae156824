//! Lists as such: their length, their elements, lists made of functions and of other lists.

use crate::support::{callable, forced, function, typed};
use piton_plugin_api::{Cx, Error, Result, Type, Value, builtin};
use smallvec::SmallVec;

builtin! {
    /// How many elements the list has. None of them is evaluated.
    name = "length", since = "0.1.0", example = "builtins.length [ 1 (throw \"unseen\") ]" => "2",
    leaf fn length<'f>(cx, list: list) {
        Ok(Value::int(cx.list_len(list)? as i64))
    }
}

builtin! {
    /// The first element. The empty list has none, which is an error.
    name = "head", since = "0.1.0", example = "builtins.head [ 1 2 3 ]" => "1",
    leaf fn head<'f>(cx, list: list as "first argument passed to 'builtins.head'") {
        // The host forces what a builtin returns.
        cx.list_item(list, 0).ok_or_else(|| cx.fail("'builtins.head' called on an empty list"))
    }
}

builtin! {
    /// The list without its first element. The empty list has none, which is an error. Each call copies the
    /// list, so that a loop is better written with `elemAt`, `genList` or `foldl'`.
    name = "tail", since = "0.1.0", example = "builtins.tail [ 1 2 3 ]" => "[ 2 3 ]",
    leaf fn tail<'f>(cx, list: list as "first argument passed to 'builtins.tail'") {
        cx.list_from(list, 1).ok_or_else(|| cx.fail("'builtins.tail' called on an empty list"))
    }
}

builtin! {
    /// The element number `n`, counted from 0. It is an error if the list ends before.
    name = "elemAt", since = "0.1.0", example = "builtins.elemAt [ \"a\" \"b\" \"c\" ] 1" => "\"b\"",
    leaf fn elem_at<'f>(
        cx,
        xs: list as "first argument passed to 'builtins.elemAt'",
        n: int as "second argument passed to 'builtins.elemAt'",
    ) {
        let n = cx.int(n)?;
        let item = usize::try_from(n).ok().and_then(|index| cx.list_item(xs, index));
        item.ok_or_else(|| out_of_range(cx, xs, n))
    }
}

#[cold]
fn out_of_range<'f>(cx: Cx<'f>, list: &Value<'f>, n: i64) -> Error {
    match cx.list_len(list) {
        Ok(len) => cx.fail(format!(
            "'builtins.elemAt' called with index {n} on a list of size {len}"
        )),
        Err(error) => error,
    }
}

builtin! {
    /// Whether an element equals `x`. The elements after the first such one are not evaluated.
    name = "elem", since = "0.1.0",
    example = "[ (builtins.elem 2 [ 1 2 (throw \"unseen\") ]) (builtins.elem 4 [ 1 2 3 ]) ]" => "[ true false ]",
    async fn elem<'f>(cx, x: lazy, xs: list) {
        let len = cx.list_len(xs)?;
        if len == 0 {
            return Ok(Value::bool(false));
        }
        let sought = cx.force(x).await?;
        for index in 0..len {
            let item = cx.list_get(xs, index);
            let value = cx.force(&item).await?;
            let equal = match scalars_equal(cx, &sought, &value)? {
                Some(equal) => equal,
                // No function equals another, but each is found where it itself stands in the list.
                None if sought.kind() == Type::Function => cx.same(x, &item) || cx.same(&sought, &item),
                None => cx.equal(&sought, &value).await?,
            };
            if equal {
                return Ok(Value::bool(true));
            }
        }
        Ok(Value::bool(false))
    }
}

/// What `a == b` is, where that takes no look inside; `None` between two lists, two sets or two functions.
fn scalars_equal<'f>(cx: Cx<'f>, a: &Value<'f>, b: &Value<'f>) -> Result<Option<bool>> {
    Ok(match (a.kind(), b.kind()) {
        (Type::String, Type::String) | (Type::Path, Type::Path) => {
            Some(cx.bytes(a)? == cx.bytes(b)?)
        }
        (Type::Int, Type::Int) => Some(a.as_int() == b.as_int()),
        (Type::Int | Type::Float, Type::Int | Type::Float) => Some(cx.number(a)? == cx.number(b)?),
        (Type::Bool, Type::Bool) => Some(a.as_bool() == b.as_bool()),
        (Type::Null, Type::Null) => Some(true),
        (a, b) if a == b => None,
        _ => Some(false),
    })
}

builtin! {
    /// The list of the results of `f`, called with each element. Each call waits until its result is needed.
    name = "map", since = "0.1.0", example = "map (x: x * x) [ 1 2 3 ]" => "[ 1 4 9 ]",
    flags = [BARE],
    quick = |cx, f, list| (f.kind() == Type::Function).then(|| cx.list_map(f, list)),
    async fn map<'f>(cx, f: lazy, list: list) {
        if cx.list_len(list)? == 0 {
            return Ok(list.clone());
        }
        let f = function(cx, f).await?;
        Ok(cx.list_map(&f, list))
    }
}

builtin! {
    /// The list of the results of `generator`, called with the numbers from 0 to `count - 1`. Each call waits until its result is
    /// needed.
    name = "genList", since = "0.1.0", example = "builtins.genList (i: i * 10) 4" => "[ 0 10 20 30 ]",
    quick = |cx, generator, count| match (generator.kind(), usize::try_from(count.as_int()?)) {
        (Type::Function, Ok(count)) => Some(cx.list_generate(generator, count)),
        _ => None,
    },
    async fn gen_list<'f>(cx, generator: lazy, count: int) {
        let count = cx.int(count)?;
        let Ok(count) = usize::try_from(count) else {
            return Err(cx.fail(format!("cannot create list of size {count}")));
        };
        let generator = function(cx, generator).await?;
        Ok(cx.list_generate(&generator, count))
    }
}

builtin! {
    /// The elements of all `lists`, in one list.
    name = "concatLists", since = "0.1.0", example = "builtins.concatLists [ [ 1 2 ] [ ] [ 3 ] ]" => "[ 1 2 3 ]",
    async fn concat_lists<'f>(cx, lists: list) {
        let len = cx.list_len(lists)?;
        let mut parts = Parts::new();
        parts.reserve(len);
        for index in 0..len {
            let part = forced(cx, cx.list_get(lists, index), Type::List).await;
            parts.push(cx.told(part, "while evaluating a value of the list passed to builtins.concatLists")?);
        }
        Ok(concatenated(cx, &mut parts))
    }
}

builtin! {
    /// The elements of all lists that `f` returns, called with each element of `list`: `concatLists (map f list)`.
    name = "concatMap", since = "0.1.0", example = "builtins.concatMap (x: [ x (x + 10) ]) [ 1 2 ]" => "[ 1 11 2 12 ]",
    async fn concat_map<'f>(cx, f: function | attrs, list: list) {
        callable(cx, f)?;
        let len = cx.list_len(list)?;
        let mut parts = Parts::new();
        parts.reserve(len);
        for index in 0..len {
            let part = cx.call(f, [&cx.list_get(list, index)]).await?;
            parts.push(cx.told(
                typed(cx, part, Type::List),
                "while evaluating the return value of the function passed to builtins.concatMap",
            )?);
        }
        Ok(concatenated(cx, &mut parts))
    }
}

/// Lists to concatenate: mostly few, which take no memory of their own.
type Parts<'f> = SmallVec<[Value<'f>; 4]>;

/// Concatenates; a single part stays the list that it is.
fn concatenated<'f>(cx: Cx<'f>, parts: &mut Parts<'f>) -> Value<'f> {
    if parts.len() == 1
        && let Some(part) = parts.pop()
    {
        return part;
    }
    cx.list_concat(parts)
}
