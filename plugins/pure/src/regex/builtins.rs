//! The builtins.

use super::cache;
use super::syntax::Refusal;
use crate::support::plain;
use piton_plugin_api::{Cx, Error, Value, builtin};
use std::ops::Range;

builtin! {
    /// Matches the whole of `str` against the POSIX extended regular expression `regex`. The result is the list of what the
    /// groups matched, with `null` for a group that took no part, or `null` if `str` does not match.
    ///
    /// A dot matches every byte, a newline too. Classes are written `[[:space:]]`; Perl's `\d`, `(?:` and look-around are
    /// not known. The time is linear in the length of `str`, whatever the expression.
    name = "match", since = "0.1.0",
    example = "builtins.match \"([a-z]+)-([0-9.]+)(-rc)?\" \"piton-0.1\"" => "[ \"piton\" \"0.1\" null ]",
    leaf fn match_<'f>(cx, regex: string, str: string) {
        let pattern = plain(cx, regex)?;
        let text = cx.bytes(str)?;
        let refused = |refusal| refusal_error(cx, pattern, refusal);
        let expression = cache::get(pattern).map_err(refused)?;
        let mut groups = Vec::with_capacity(expression.groups());
        let matched = expression
            .match_whole(text, |range| groups.push(group(cx, text, range)))
            .map_err(refused)?;
        Ok(if matched { cx.list(&groups) } else { Value::null() })
    }
}

builtin! {
    /// Splits `str` at every match of the POSIX extended regular expression `regex`. The result alternates between the strings
    /// around the matches and, for each match, the list of what its groups matched, as [`match`](#match) gives it.
    name = "split", since = "0.1.0",
    example = "builtins.split \"(,)[[:space:]]*\" \"a, b,c\"" => "[ \"a\" [ \",\" ] \"b\" [ \",\" ] \"c\" ]",
    leaf fn split<'f>(cx, regex: string, str: string) {
        let pattern = plain(cx, regex)?;
        let text = cx.bytes(str)?;
        let refused = |refusal| refusal_error(cx, pattern, refusal);
        let expression = cache::get(pattern).map_err(refused)?;
        let mut parts = Vec::new();
        let mut groups = Vec::with_capacity(expression.groups());
        let mut rest = 0;
        expression
            .find_all(text, |whole, range| {
                parts.push(cx.string(&text[rest..whole.start]));
                groups.extend((1..=expression.groups()).map(|index| group(cx, text, range(index))));
                parts.push(cx.list(&groups));
                groups.clear();
                rest = whole.end;
            })
            .map_err(refused)?;
        if parts.is_empty() {
            // The only part that keeps its context, as in Nix: it is the argument itself.
            return Ok(cx.list(std::slice::from_ref(str)));
        }
        parts.push(cx.string(&text[rest..]));
        Ok(cx.list(&parts))
    }
}

fn group<'f>(cx: Cx<'f>, text: &[u8], range: Option<Range<usize>>) -> Value<'f> {
    range.map_or_else(Value::null, |range| cx.string(&text[range]))
}

fn refusal_error(cx: Cx<'_>, pattern: &[u8], refusal: Refusal) -> Error {
    let mut message = match refusal {
        Refusal::Invalid => b"invalid regular expression '".to_vec(),
        Refusal::TooLarge => b"memory limit exceeded by regular expression '".to_vec(),
    };
    message.extend_from_slice(pattern);
    message.push(b'\'');
    cx.error_bytes(piton_plugin_api::ErrorKind::Eval, &message)
}
