//! Sets as such: their names, their values, and what is left when some are taken out.

use crate::support::{forced, missing, plain_symbol};
use piton_plugin_api::{Type, Value, builtin};

builtin! {
    /// The names of the attributes, sorted by their bytes.
    name = "attrNames", since = "0.1.0", example = "builtins.attrNames { b = 1; a = 2; }" => "[ \"a\" \"b\" ]",
    leaf fn attr_names<'f>(cx, set: attrs as "argument passed to builtins.attrNames") {
        Ok(cx.attrs_names(set))
    }
}

builtin! {
    /// The values of the attributes, in the order of `attrNames`. They are not evaluated.
    name = "attrValues", since = "0.1.0", example = "builtins.attrValues { b = 1; a = 2; }" => "[ 2 1 ]",
    leaf fn attr_values<'f>(cx, set: attrs as "argument passed to builtins.attrValues") {
        Ok(cx.attrs_values(set))
    }
}

builtin! {
    /// The attribute that is named by the string `s`. It is an error if there is none.
    name = "getAttr", since = "0.1.0", example = "builtins.getAttr \"a\" { a = 1; }" => "1",
    leaf fn get_attr<'f>(cx, s: string, set: attrs) {
        let name = plain_symbol(cx, s)?;
        cx.attrs_get(set, name).ok_or_else(|| missing(cx, cx.name(name)))
    }
}

builtin! {
    /// Whether there is an attribute that is named by the string `s`. Its value is not evaluated.
    name = "hasAttr", since = "0.1.0", example = "builtins.hasAttr \"a\" { a = throw \"unseen\"; }" => "true",
    leaf fn has_attr<'f>(cx, s: string, set: attrs) {
        let name = plain_symbol(cx, s)?;
        Ok(Value::bool(cx.attribute(set, name).is_some()))
    }
}

builtin! {
    /// Where the attribute named `s` was written: `{ file, line, column }`, or `null` if that is not known or there is no such
    /// attribute. Unsafe, since the result changes with the layout of the source.
    name = "unsafeGetAttrPos", since = "0.1.0", example = "builtins.unsafeGetAttrPos \"x\" { }" => "null",
    leaf fn unsafe_get_attr_pos<'f>(cx, s: string, set: attrs) {
        let name = plain_symbol(cx, s)?;
        Ok(match cx.attribute(set, name) {
            Some(attribute) => cx.position(attribute.pos),
            None => Value::null(),
        })
    }
}

/// What is told of the names that `removeAttrs` takes.
const NAMES: &str =
    "while evaluating the values of the second argument passed to builtins.removeAttrs";

builtin! {
    /// The set without the attributes that are named in `list`. Names that it does not have are no error.
    name = "removeAttrs", since = "0.1.0",
    example = "removeAttrs { a = 1; b = 2; c = 3; } [ \"a\" \"c\" \"d\" ]" => "{ b = 2; }",
    flags = [BARE],
    quick = |cx, set, list| cx.attrs_without_list(set, list),
    async fn remove_attrs<'f>(cx, set: attrs, list: list) {
        let mut names = Vec::new();
        let mut items = cx.list_cursor(list)?;
        while let Some(item) = items.next() {
            if item.kind() == Type::String {
                names.push(cx.told(plain_symbol(cx, &item), NAMES)?);
            } else {
                let name = forced(cx, item.clone(), Type::String).await;
                names.push(cx.told(name.and_then(|name| plain_symbol(cx, &name)), NAMES)?);
            }
        }
        Ok(cx.attrs_without(set, &names))
    }
}

builtin! {
    /// The attributes of `e2` whose names `e1` has too. Takes time by the size of the smaller set.
    name = "intersectAttrs", since = "0.1.0",
    example = "builtins.intersectAttrs { a = 1; b = 2; } { b = 3; c = 4; }" => "{ b = 3; }",
    leaf fn intersect_attrs<'f>(cx, e1: attrs, e2: attrs) {
        Ok(cx.attrs_common(e1, e2))
    }
}

builtin! {
    /// The values of the attribute `attr` of all sets in `list` that have it.
    name = "catAttrs", since = "0.1.0",
    example = "builtins.catAttrs \"a\" [ { a = 1; } { b = 2; } { a = 3; } ]" => "[ 1 3 ]",
    async fn cat_attrs<'f>(cx, attr: string, list: list) {
        let name = plain_symbol(cx, attr)?;
        let mut values = Vec::new();
        for index in 0..cx.list_len(list)? {
            let set = forced(cx, cx.list_get(list, index), Type::Attrs).await;
            let set = cx.told(
                set,
                "while evaluating an element in the list passed as second argument to builtins.catAttrs",
            )?;
            values.extend(cx.attrs_get(&set, name));
        }
        Ok(cx.list(&values))
    }
}
