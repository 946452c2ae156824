//! Builtins that do without a suspension what mostly takes none.

use piton_plugin_api::{Value, builtin};

builtin! {
    /// Calls the first function of `fs` at once with the list of the others: its answer, "asked" where that takes a request, and
    /// `true` for the empty list.
    name = "chain", since = "0.1.0", example = "[ (builtins.chain [ ]) (builtins.chain [ builtins.chain ]) ]" => "[ true true ]",
    leaf fn chain<'f>(cx, fs: list) {
        let items = cx.list_items(&fs)?;
        let Some((first, rest)) = items.split_first() else {
            return Ok(Value::bool(true));
        };
        match cx.call_at_once(first, [&cx.list(rest)]) {
            Some(answer) => answer,
            None => Ok(cx.string("asked")),
        }
    }
}

builtin! {
    /// The attribute of `attrs` that the string `name` names, or null.
    name = "named", since = "0.1.0", example = "builtins.named \"a\" { a = 1; }" => "1",
    leaf fn named<'f>(cx, name: string, attrs: attrs) {
        let value = cx.string_symbol(&name).and_then(|name| cx.attrs_get(&attrs, name));
        Ok(value.unwrap_or(Value::null()))
    }
}

builtin! {
    /// `attrs` without the attributes that `names` lists, or "asked" where that takes a request.
    name = "unlisted", since = "0.1.0", example = "builtins.unlisted { a = 1; b = 2; } [ \"a\" ]" => "{ b = 2; }",
    leaf fn unlisted<'f>(cx, attrs: attrs, names: list) {
        let rest = cx.attrs_without_list(&attrs, &names);
        Ok(rest.unwrap_or_else(|| cx.string("asked")))
    }
}

builtin! {
    /// The attributes `value` of `sets`, which are evaluated, under the names that their attributes `key` are, or "lacking" where there
    /// is one without.
    name = "members", since = "0.1.0",
    example = "builtins.members (builtins.filter builtins.isAttrs [ { key = \"a\"; value = 1; } { key = \"a\"; } ])" => "{ a = 1; }",
    leaf fn members<'f>(cx, sets: list) {
        let set = cx.attrs_of_members(&sets, cx.symbol("key"), cx.symbol("value"));
        Ok(set.unwrap_or_else(|| cx.string("lacking")))
    }
}

builtin! {
    /// What `f` makes of the names of `sets`, which are evaluated, or "asked" where one of them is none.
    name = "zipped", since = "0.1.0",
    example = "builtins.zipped (name: values: values) (builtins.filter builtins.isAttrs [ { a = 1; } { a = 2; } ])" => "{ a = [ 1 2 ]; }",
    leaf fn zipped<'f>(cx, f: any, sets: list) {
        Ok(cx.attrs_zip(&f, &sets).unwrap_or_else(|| cx.string("asked")))
    }
}

builtin! {
    /// The elements of `list` from `start` on, or "ended" where it ends before.
    name = "leftOver", since = "0.1.0", example = "builtins.leftOver 1 [ 1 2 ]" => "[ 2 ]",
    leaf fn left_over<'f>(cx, start: int, list: list) {
        let start = usize::try_from(cx.int(&start)?).unwrap_or(usize::MAX);
        Ok(cx.list_from(&list, start).unwrap_or_else(|| cx.string("ended")))
    }
}

builtin! {
    /// Whether `a == b`: twice, before and after a call of `f` with `a`.
    name = "alike", since = "0.1.0", example = "builtins.alike (x: x) [ 1 ] [ 1 ]" => "true",
    async fn alike<'f>(cx, f: function, a: any, b: any) {
        let answer = cx.equal(&a, &b).await?;
        cx.call(&f, [&a]).await?;
        Ok(Value::bool(answer == cx.equal(&a, &b).await? && answer))
    }
}
