//! Sets as such: their names, their values, and what is left when some are taken out.

use crate::support::{forced, missing, plain, plain_symbol};
use piton_plugin_api::{Attribute, Symbol, Type, Value, builtin};
use std::collections::HashSet;

/// Up to so many names are compared one by one before a hash table pays.
const FEW_NAMES: usize = 8;

builtin! {
    /// The names of the attributes, sorted by their bytes.
    name = "attrNames", since = "0.1.0", example = "builtins.attrNames { b = 1; a = 2; }" => "[ \"a\" \"b\" ]",
    leaf fn attr_names<'f>(cx, set: attrs) {
        let names: Vec<Value<'f>> =
            cx.attrs_items(set)?.iter().map(|attribute| cx.name_string(attribute.name)).collect();
        Ok(cx.list(&names))
    }
}

builtin! {
    /// The values of the attributes, in the order of `attrNames`. They are not evaluated.
    name = "attrValues", since = "0.1.0", example = "builtins.attrValues { b = 1; a = 2; }" => "[ 2 1 ]",
    leaf fn attr_values<'f>(cx, set: attrs) {
        let values: Vec<Value<'f>> =
            cx.attrs_items(set)?.into_iter().map(|attribute| attribute.value).collect();
        Ok(cx.list(&values))
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

builtin! {
    /// The set without the attributes that are named in `list`. Names that it does not have are no error.
    name = "removeAttrs", since = "0.1.0",
    example = "removeAttrs { a = 1; b = 2; c = 3; } [ \"a\" \"c\" \"d\" ]" => "{ b = 2; }",
    flags = [BARE],
    async fn remove_attrs<'f>(cx, set: attrs, list: list) {
        let mut names = Vec::new();
        for index in 0..cx.list_len(list)? {
            let name = forced(cx, cx.list_get(list, index), Type::String).await?;
            let name = plain_symbol(cx, &name)?;
            if cx.attribute(set, name).is_some() {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Ok(set.clone());
        }
        let mut kept = cx.attrs_items(set)?;
        if names.len() <= FEW_NAMES {
            kept.retain(|attribute| !names.contains(&attribute.name));
        } else {
            let names: HashSet<Symbol> = names.into_iter().collect();
            kept.retain(|attribute| !names.contains(&attribute.name));
        }
        Ok(cx.attrs(&kept))
    }
}

builtin! {
    /// The attributes of `e2` whose names `e1` has too. Takes time by the size of the smaller set.
    name = "intersectAttrs", since = "0.1.0",
    example = "builtins.intersectAttrs { a = 1; b = 2; } { b = 3; c = 4; }" => "{ b = 3; }",
    leaf fn intersect_attrs<'f>(cx, e1: attrs, e2: attrs) {
        let common: Vec<Attribute<'f>> = if cx.attrs_len(e1)? < cx.attrs_len(e2)? {
            let names = cx.attrs_items(e1)?;
            names.iter().filter_map(|wanted| cx.attribute(e2, wanted.name)).collect()
        } else {
            let mut attributes = cx.attrs_items(e2)?;
            attributes.retain(|attribute| cx.attribute(e1, attribute.name).is_some());
            attributes
        };
        Ok(cx.attrs(&common))
    }
}

builtin! {
    /// The values of the attribute `attr` of all sets in `list` that have it.
    name = "catAttrs", since = "0.1.0",
    example = "builtins.catAttrs \"a\" [ { a = 1; } { b = 2; } { a = 3; } ]" => "[ 1 3 ]",
    async fn cat_attrs<'f>(cx, attr: string, list: list) {
        let name = cx.symbol(plain(cx, attr)?);
        let mut values = Vec::new();
        for index in 0..cx.list_len(list)? {
            let set = forced(cx, cx.list_get(list, index), Type::Attrs).await?;
            values.extend(cx.attrs_get(&set, name));
        }
        Ok(cx.list(&values))
    }
}
