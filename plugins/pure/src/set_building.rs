//! Sets made out of lists, and out of other sets by a function.

use crate::support::{callable, missing, typed, without_context};
use piton_plugin_api::{Type, builtin};

/// Where an element of the list that `listToAttrs` takes lacks something.
const PAIR: &str = "in a {name=...; value=...;} pair";

builtin! {
    /// The set of the attributes that a list of `{ name, value }` describes. Of several with one name the first counts.
    name = "listToAttrs", since = "0.1.0",
    example = "builtins.listToAttrs [ { name = \"a\"; value = 1; } { name = \"a\"; value = 2; } ]" => "{ a = 1; }",
    async fn list_to_attrs<'f>(cx, list: list as "argument passed to builtins.listToAttrs") {
        let (name_of, value_of) = (cx.symbol("name"), cx.symbol("value"));
        let mut pairs = cx.list_cursor(list)?;
        while let Some(pair) = pairs.next() {
            let pair = cx.told(
                typed(cx, cx.force(&pair).await?, Type::Attrs),
                "while evaluating an element of the list passed to builtins.listToAttrs",
            )?;
            let name = cx.attrs_get(&pair, name_of).ok_or_else(|| missing(cx, b"name"));
            let name = cx.evaluate(cx.told(name, PAIR)?).await?;
            let name = typed(cx, name, Type::String).and_then(|name| without_context(cx, &name));
            cx.told(
                name,
                "while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs",
            )?;
        }
        let set = cx.attrs_of_members(list, name_of, value_of);
        cx.told(set.ok_or_else(|| missing(cx, b"value")), PAIR)
    }
}

builtin! {
    /// The set with the values `f name value` in place of each value. Each call waits until its result is needed.
    name = "mapAttrs", since = "0.1.0",
    example = "builtins.mapAttrs (name: value: name + toString value) { a = 1; b = 2; }" => "{ a = \"a1\"; b = \"b2\"; }",
    leaf fn map_attrs<'f>(cx, f: lazy, attrset: attrs) {
        Ok(cx.attrs_map(f, attrset))
    }
}

builtin! {
    /// Joins the sets in `list`: the result has every name that occurs, with the value `f name values`, where `values` lists
    /// what the sets have under that name. Each call waits until its result is needed.
    name = "zipAttrsWith", since = "0.1.0",
    example = "builtins.zipAttrsWith (name: values: values) [ { a = 1; } { a = 2; b = 3; } ]"
        => "{ a = [ 1 2 ]; b = [ 3 ]; }",
    async fn zip_attrs_with<'f>(cx, f: function | attrs, list: list) {
        callable(cx, f)?;
        let mut sets = cx.list_cursor(list)?;
        while let Some(set) = sets.next() {
            cx.told(
                typed(cx, cx.force(&set).await?, Type::Attrs),
                "while evaluating a value of the list passed as second argument to builtins.zipAttrsWith",
            )?;
        }
        cx.attrs_zip(f, list).ok_or_else(|| cx.fail("a set that was forced is not evaluated"))
    }
}
