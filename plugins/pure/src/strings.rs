//! Strings. They are bytes, and every result carries the contexts of what it was made of.

use crate::replace::{Patterns, Texts};
use crate::support::{coerced, forced};
use piton_plugin_api::abi::coerce::{COPY_TO_STORE, MORE};
use piton_plugin_api::{Cx, Result, Type, Union, Value, builtin};

builtin! {
    /// `e` as a string. Paths become their text, numbers their decimal digits, `true` becomes `"1"`, `false` and `null` become
    /// `""`; the elements of a list are joined by spaces; a set says itself by `__toString` or `outPath`.
    name = "toString", since = "0.1.0",
    example = "map toString [ 1 1.5 true null [ 1 2 ] { outPath = \"/p\"; } ]"
        => "[ \"1\" \"1.500000\" \"1\" \"\" \"1 2\" \"/p\" ]",
    flags = [BARE],
    quick = |cx, e| cx.string_at_hand(e, MORE),
    async fn to_string<'f>(cx, e: any) {
        coerced(cx, e, MORE).await
    }
}

builtin! {
    /// How many bytes the string has. Other values are coerced as in an interpolation.
    name = "stringLength", since = "0.1.0", example = "map builtins.stringLength [ \"nix\" \"é\" ]" => "[ 3 2 ]",
    quick = |cx, e| match e.kind() {
        Type::String => cx.bytes(e).ok().map(|bytes| Value::int(bytes.len() as i64)),
        _ => None,
    },
    async fn string_length<'f>(cx, e: any as "argument passed to builtins.stringLength") {
        let string = coerced(cx, e, COPY_TO_STORE).await?;
        Ok(Value::int(cx.bytes(&string)?.len() as i64))
    }
}

builtin! {
    /// The `len` bytes from number `start` on, or as many as there are; all of them if `len` is negative. A `start` behind the
    /// end gives `""`, a negative one is an error. The context is that of all of `s`.
    name = "substring", since = "0.1.0",
    example = "[ (builtins.substring 2 3 \"evaluator\") (builtins.substring 4 (-1) \"evaluator\") ]"
        => "[ \"alu\" \"uator\" ]",
    quick = |cx, start, len, s| match (start.as_int(), len.as_int(), s.kind()) {
        (Some(start @ 0..), Some(len), Type::String) => cut(cx, s, start, len).ok(),
        _ => None,
    },
    async fn substring<'f>(
        cx,
        start: int as "first argument (the start offset) passed to builtins.substring",
        len: int as "second argument (the substring length) passed to builtins.substring",
        s: any as "third argument (the string) passed to builtins.substring",
    ) {
        let start = cx.int(start)?;
        if start < 0 {
            return Err(cx.fail("negative start position in 'substring'"));
        }
        let s = coerced(cx, s, COPY_TO_STORE).await?;
        cut(cx, &s, start, cx.int(len)?)
    }
}

/// The part of the string `s` that `substring` takes.
fn cut<'f>(cx: Cx<'f>, s: &Value<'f>, start: i64, len: i64) -> Result<Value<'f>> {
    let bytes = cx.bytes(s)?;
    let part = part(bytes, start, len);
    if part.len() == bytes.len() {
        return Ok(s.clone());
    }
    Ok(cx.string_with(part, cx.context(s)))
}

/// The part of `bytes` that `substring` takes.
fn part(bytes: &[u8], start: i64, len: i64) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or_default();
    &rest[..len.min(rest.len())]
}

builtin! {
    /// The strings in `list`, joined with `separator` between each two. Other elements are coerced as in an interpolation.
    name = "concatStringsSep", since = "0.1.0",
    example = "builtins.concatStringsSep \", \" [ \"a\" \"b\" \"c\" ]" => "\"a, b, c\"",
    async fn concat_strings_sep<'f>(
        cx,
        separator: string as "first argument (the separator string) passed to builtins.concatStringsSep",
        list: list as "second argument (the list of strings to concat) passed to builtins.concatStringsSep",
    ) {
        let strings = cx.coerce_items(list, COPY_TO_STORE).await?;
        let separator_bytes = cx.bytes(separator)?;
        let mut contexts = Union::default();
        cx.add_context(&mut contexts, separator);
        let mut bytes = Vec::new();
        let mut items = cx.list_cursor(&strings)?;
        let mut first = true;
        while let Some(item) = items.next() {
            if !std::mem::take(&mut first) {
                bytes.extend_from_slice(separator_bytes);
            }
            bytes.extend_from_slice(cx.bytes(&item)?);
            cx.add_context(&mut contexts, &item);
        }
        Ok(cx.string_with(bytes, cx.context_union_of(contexts)))
    }
}

builtin! {
    /// `s` with each string of `from` that it contains replaced by that of the same number in `to`. The search goes from the
    /// front and does not look at what it has put in; where several match, the first in `from` counts. An empty
    /// string matches before each byte and at the end. A replacement is evaluated when it is first used.
    name = "replaceStrings", since = "0.1.0",
    example = "builtins.replaceStrings [ \"a\" \"bc\" ] [ \"1\" \"2\" ] \"abcab\"" => "\"121b\"",
    async fn replace_strings<'f>(cx, from: list, to: list, s: lazy) {
        let count = cx.list_len(from)?;
        if count != cx.list_len(to)? {
            return Err(cx.fail(
                "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths",
            ));
        }
        let mut texts = Texts::with_capacity(count);
        for index in 0..count {
            let pattern = forced(cx, cx.list_get(from, index), Type::String).await;
            let pattern = cx.told(
                pattern,
                "while evaluating one of the strings to replace passed to builtins.replaceStrings",
            )?;
            texts.push(cx.bytes(&pattern)?);
        }
        let patterns = Patterns::new(texts);
        let s = forced(cx, s.clone(), Type::String).await?;

        let mut replacements: Vec<Option<Value<'f>>> = (0..count).map(|_| None).collect();
        let mut result = Vec::new();
        let mut contexts = Union::default();
        cx.add_context(&mut contexts, &s);
        let mut at = 0;
        while let Some((place, index)) = patterns.find(cx.bytes(&s)?, at) {
            let replacement = match replacements[index].take() {
                Some(replacement) => replacement,
                None => {
                    let replacement = forced(cx, cx.list_get(to, index), Type::String).await;
                    let replacement = cx.told(
                        replacement,
                        "while evaluating one of the replacement strings passed to builtins.replaceStrings",
                    )?;
                    cx.add_context(&mut contexts, &replacement);
                    replacement
                }
            };
            let bytes = cx.bytes(&s)?;
            result.extend_from_slice(&bytes[at..place]);
            result.extend_from_slice(cx.bytes(&replacement)?);
            replacements[index] = Some(replacement);
            at = place + patterns.len_of(index);
            if at == place {
                // An empty match passes the byte that follows it on.
                result.extend(bytes.get(place));
                at += 1;
            }
        }
        if at == 0 {
            return Ok(s);
        }
        result.extend_from_slice(cx.bytes(&s)?.get(at..).unwrap_or_default());
        Ok(cx.string_with(result, cx.context_union_of(contexts)))
    }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_are_cut_to_what_is_there() {
        assert_eq!(part(b"abc", 0, 2), b"ab");
        assert_eq!(part(b"abc", 1, -1), b"bc");
        assert_eq!(part(b"abc", 1, i64::MAX), b"bc");
        assert_eq!(part(b"abc", 3, 1), b"");
        assert_eq!(part(b"abc", 4, 1), b"");
        assert_eq!(part(b"abc", i64::MAX, 1), b"");
        assert_eq!(part(b"abc", 1, 0), b"");
        assert_eq!(part("é".as_bytes(), 0, 1), [0xc3]);
    }
}
