//! One builtin of each sort that a plugin can have; copy what is nearest to yours.
//!
//! - leaf: computes from its arguments and returns. The cheapest sort.
//! - lazy: a leaf that returns thunks, which the host evaluates if somebody looks.
//! - async: suspends to have a value forced, a function called, a file read. What it holds stays alive.

use piton_plugin_api::{Attribute, ErrorKind, Symbol, Type, Value, builtin, plugin};
use std::collections::HashMap;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 as RFC 4648 says it, with padding.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| {
            word << 8 | u32::from(*group.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            text.push(match at <= group.len() {
                true => DIGITS[(word >> (18 - 6 * at)) as usize & 63],
                false => b'=',
            });
        }
    }
    text
}

builtin! {
    /// The Base64 form of a string's bytes. The string's context stays with it.
    name = "toBase64", since = "0.1.0", example = "builtins.toBase64 \"Piton\"" => "\"UGl0b24=\"",
    leaf fn to_base64<'f>(cx, s: string) {
        Ok(cx.string_with(base64(cx.bytes(s)?), cx.context(s)))
    }
}

builtin! {
    /// Joins two lists with a function: `[ (f a0 b0) (f a1 b1) ... ]`, as long as the shorter list. The elements are thunks:
    /// `f` is called when somebody looks.
    name = "zipWith", since = "0.1.0", example = "builtins.zipWith (a: b: a + b) [ 1 2 ] [ 10 20 30 ]" => "[ 11 22 ]",
    leaf fn zip_with<'f>(cx, f: lazy, a: list, b: list) {
        let mut joined = Vec::new();
        for (a, b) in cx.list_items(a)?.into_iter().zip(cx.list_items(b)?) {
            joined.push(cx.apply_lazily(f, &[a, b]));
        }
        Ok(cx.list(&joined))
    }
}

builtin! {
    /// Applies a function twice: `f (f x)`.
    name = "applyTwice", since = "0.1.0", example = "builtins.applyTwice (x: x * 2) 3" => "12",
    async fn apply_twice<'f>(cx, f: any, x: lazy) {
        let once = cx.call(f, [x]).await?;
        cx.call(f, [&once]).await
    }
}

builtin! {
    /// The first element that is not null, or null. Elements behind it are not evaluated.
    name = "firstSet", since = "0.1.0", example = "builtins.firstSet [ null (1 + 1) (throw \"no\") ]" => "2",
    async fn first_set<'f>(cx, list: list) {
        for at in 0..cx.list_len(list)? {
            let element = cx.force(&cx.list_get(list, at)).await?;
            if element.kind() != Type::Null {
                return Ok(element);
            }
        }
        Ok(Value::null())
    }
}

builtin! {
    /// How often `f` answers each string: `{ name = count; }`.
    name = "countBy", since = "0.1.0",
    example = "builtins.countBy (n: if n < 3 then \"few\" else \"many\") [ 1 2 5 ]" => "{ few = 2; many = 1; }",
    async fn count_by<'f>(cx, f: any, list: list) {
        let mut counts: HashMap<Symbol, i64> = HashMap::new();
        for at in 0..cx.list_len(list)? {
            let name = cx.call(f, [&cx.list_get(list, at)]).await?;
            *counts.entry(cx.symbol(cx.bytes(&name)?)).or_default() += 1;
        }
        let counts: Vec<_> = counts
            .into_iter()
            .map(|(name, count)| Attribute::new(name, Value::int(count)))
            .collect();
        Ok(cx.attrs(&counts))
    }
}

builtin! {
    /// A set from `f element` to `element`. Two elements with one name are an error.
    name = "indexBy", since = "0.1.0",
    example = "(builtins.indexBy (p: p.name) [ { name = \"a\"; size = 1; } { name = \"b\"; size = 2; } ]).b.size" => "2",
    async fn index_by<'f>(cx, f: any, list: list) {
        // Values are kept in an ordinary collection over as many suspensions as it takes.
        let mut index: HashMap<Symbol, Value<'f>> = HashMap::new();
        for element in cx.list_items(list)? {
            let name = cx.call(f, [&element]).await?;
            let symbol = cx.symbol(cx.bytes(&name)?);
            if index.insert(symbol, element).is_some() {
                let name = String::from_utf8_lossy(cx.name(symbol));
                return Err(cx.error(ErrorKind::Eval, format!("two elements are named '{name}'")));
            }
        }
        let index: Vec<_> = index
            .into_iter()
            .map(|(name, value)| Attribute::new(name, value))
            .collect();
        Ok(cx.attrs(&index))
    }
}

plugin! {
    name: example,
    version: env!("CARGO_PKG_VERSION"),
    builtins: [to_base64, zip_with, apply_twice, first_set, count_by, index_by],
}
