//! `builtins.compareVersions`, `parseDrvName` and `splitVersion`: names and versions as package managers compare them.

use crate::support::plain;
use piton_plugin_api::{Attribute, Value, builtin};
use std::cmp::Ordering;

builtin! {
    /// Compares two versions component by component: -1 if `s1` is older than `s2`, 1 if it is newer, 0 if they are equal.
    /// Components are runs of digits, compared as numbers, and runs of other characters; `pre` comes before everything, and
    /// words come before numbers.
    name = "compareVersions", since = "0.1.0", example = "builtins.compareVersions \"1.0pre3\" \"1.0\"" => "-1",
    leaf fn compare_versions<'f>(cx, s1: string, s2: string) {
        let order = compare(plain(cx, s1)?, plain(cx, s2)?);
        Ok(Value::int(order as i64))
    }
}

builtin! {
    /// Splits the name of a package into `name` and `version`, at the first dash that is not followed by a letter.
    name = "parseDrvName", since = "0.1.0", example = "builtins.parseDrvName \"apache-httpd-2.4\""
        => "{ name = \"apache-httpd\"; version = \"2.4\"; }",
    leaf fn parse_drv_name<'f>(cx, s: string) {
        let (name, version) = parse_name(plain(cx, s)?);
        Ok(cx.attrs(&[
            Attribute::new(cx.symbol("name"), cx.string(name)),
            Attribute::new(cx.symbol("version"), cx.string(version)),
        ]))
    }
}

builtin! {
    /// The components of a version, as [`compareVersions`](#compareVersions) sees them.
    name = "splitVersion", since = "0.1.0", example = "builtins.splitVersion \"2.0-rc1\"" => "[ \"2\" \"0\" \"rc\" \"1\" ]",
    leaf fn split_version<'f>(cx, s: string) {
        let parts: Vec<Value<'f>> = components(plain(cx, s)?).map(|part| cx.string(part)).collect();
        Ok(cx.list(&parts))
    }
}

/// The components of a version: runs of digits and runs of others, between dots and dashes.
fn components(version: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_separator = |byte: &u8| matches!(byte, b'.' | b'-');
    let mut rest = version;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| !is_separator(byte))?;
        rest = &rest[start..];
        let digits = rest[0].is_ascii_digit();
        let end = rest
            .iter()
            .position(|byte| is_separator(byte) || byte.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (component, after) = rest.split_at(end);
        rest = after;
        Some(component)
    })
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (components(a), components(b));
    loop {
        let (one, other) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => (one.unwrap_or_default(), other.unwrap_or_default()),
        };
        // The relation is not an order, so that both sides have to be asked, in this sequence.
        if is_older(one, other) {
            return Ordering::Less;
        }
        if is_older(other, one) {
            return Ordering::Greater;
        }
    }
}

fn is_older(a: &[u8], b: &[u8]) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a < b,
        (None, Some(_)) if a.is_empty() => true,
        _ if a == b"pre" => b != b"pre",
        _ if b == b"pre" => false,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) => a < b,
    }
}

/// The number that a component is, if it fits in 32 bits: Nix takes longer ones for words.
fn number(component: &[u8]) -> Option<i32> {
    if !component.first()?.is_ascii_digit() {
        return None;
    }
    component.iter().try_fold(0_i32, |number, digit| {
        number.checked_mul(10)?.checked_add(i32::from(digit - b'0'))
    })
}

fn parse_name(name: &[u8]) -> (&[u8], &[u8]) {
    let dash = name
        .windows(2)
        .position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic());
    match dash {
        Some(dash) => (&name[..dash], &name[dash + 1..]),
        None => (name, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        for (a, b, order) in [
            ("1.0", "1.0.0", Ordering::Less),
            ("2.3a", "2.3.1", Ordering::Less),
            ("1.0pre", "1.0", Ordering::Less),
            ("99999999999", "1", Ordering::Less),
            ("99999999999", "99999999998", Ordering::Greater),
            ("a", "é", Ordering::Less),
            ("01", "1", Ordering::Equal),
            ("1", "pre", Ordering::Greater),
            ("", "pre", Ordering::Greater),
            ("2147483648", "2147483647", Ordering::Less),
            ("2147483648", "a", Ordering::Less),
            ("1.a", "1.2147483648", Ordering::Greater),
        ] {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), order, "{a} and {b}");
        }
    }

    #[test]
    fn splitting() {
        let split: Vec<&[u8]> = components(b"1.2.3-pre4rc5..--6a").collect();
        let expected: [&[u8]; 9] = [b"1", b"2", b"3", b"pre", b"4", b"rc", b"5", b"6", b"a"];
        assert_eq!(split, expected);
        assert_eq!(components(b"...").count(), 0);
    }

    #[test]
    fn names() {
        let parsed = |name: &'static str| parse_name(name.as_bytes());
        assert_eq!(
            parsed("apache-httpd-2.0.48"),
            (&b"apache-httpd"[..], &b"2.0.48"[..])
        );
        assert_eq!(parsed("foo-"), (&b"foo-"[..], &b""[..]));
        assert_eq!(parsed("foo--1"), (&b"foo"[..], &b"-1"[..]));
        assert_eq!(parsed("-1"), (&b""[..], &b"1"[..]));
    }
}
