//! Vectors computed by Nix 2.34, in which libstdc++ runs the expressions.

use super::cache::{self, Expression};
use super::syntax::Refusal;
use std::ops::Range;
use std::rc::Rc;

fn expression(pattern: &str) -> Rc<Expression> {
    cache::get(pattern.as_bytes())
        .unwrap_or_else(|refusal| panic!("{pattern} is refused: {refusal:?}"))
}

fn piece(text: &str, range: Option<Range<usize>>) -> String {
    range.map_or("-".to_owned(), |range| {
        String::from_utf8_lossy(&text.as_bytes()[range]).into_owned()
    })
}

/// The groups of a match, separated by commas, `-` for one that took no part.
fn matched(pattern: &str, text: &str) -> Option<String> {
    let mut groups = Vec::new();
    expression(pattern)
        .match_whole(text.as_bytes(), |range| groups.push(piece(text, range)))
        .is_ok_and(|matched| matched)
        .then(|| groups.join(","))
}

/// The parts, with the groups of each match in brackets between them.
fn split(pattern: &str, text: &str) -> String {
    let expression = expression(pattern);
    let mut parts = String::new();
    let mut rest = 0;
    let found = expression.find_all(text.as_bytes(), |whole, range| {
        let groups: Vec<String> = (1..=expression.groups())
            .map(|index| piece(text, range(index)))
            .collect();
        parts += &format!("{}[{}]", &text[rest..whole.start], groups.join(","));
        rest = whole.end;
    });
    assert_eq!(found, Ok(()));
    parts + &text[rest..]
}

#[test]
fn whole_texts() {
    for (pattern, text, groups) in [
        ("", "", Some("")),
        (".", "\n", Some("")),
        ("[é]", "é", None),
        ("[é]+", "é", Some("")),
        ("a}b]", "a}b]", Some("")),
        ("[[:ALPHA:]]", "x", Some("")),
        ("[[=a=]]", "A", Some("")),
        ("[[.hyphen.]]", "-", Some("")),
        ("[[.a.]-c]", "b", Some("")),
        ("[\\n]", "\\", Some("")),
        ("[]-a]", "^", Some("")),
        ("[[:w:]]", "_", Some("")),
        ("(a|ab)(c|bcd)(d*)", "abcd", Some("a,bcd,")),
        ("((a)|b)*", "ab", Some("b,a")),
        ("(a){0}b", "b", Some("-")),
        ("(a?){2,3}", "a", Some("")),
        ("(a*)*", "a", Some("")),
        ("(a*)*", "b", None),
        ("(a*)+", "aa", Some("")),
        ("(a*|b)*", "aab", Some("")),
        ("((a*)*)*", "aa", Some(",")),
        ("(()|a)+", "aa", Some(",")),
        (
            "(a*)*b",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            None,
        ),
    ] {
        assert_eq!(
            matched(pattern, text).as_deref(),
            groups,
            "{pattern} on {text:?}"
        );
    }
}

#[test]
fn splitting() {
    for (pattern, text, parts) in [
        ("", "abc", "[]a[]b[]c[]"),
        ("x*", "axb", "[]a[][]b[]"),
        ("^a", "aa", "[]a"),
        ("(^|b)a", "aaba", "[]a[b]"),
        ("(a|ab)", "xabx", "x[ab]x"),
        ("(a|)(ab)?", "ab", "[,ab][,-]"),
        ("a*(ab)?", "aab", "[-][-]b[-]"),
        ("(|a)", "aa", "[a][a][]"),
    ] {
        assert_eq!(split(pattern, text), parts, "{pattern} on {text:?}");
    }
}

#[test]
fn refusals() {
    for pattern in [
        "\\d",
        "(?:a)",
        "(?=a)",
        "a{1",
        "a{,2}",
        "a{2,1}",
        "x{99999999999}",
        "*a",
        "a|*",
        "^*",
        "(",
        ")",
        "[",
        "[]",
        "[a",
        "[a-",
        "[b-a]",
        "[a-c-e]",
        "[[:foo:]]",
        "[[:alpha:]-z]",
        "[[.-.]]",
        "\\]",
        "\\",
    ] {
        assert_eq!(
            cache::get(pattern.as_bytes()).err(),
            Some(Refusal::Invalid),
            "{pattern}"
        );
    }
    for pattern in ["a{100000}", "(a{1000}){1000}", &"(".repeat(100_000)] {
        assert_eq!(
            cache::get(pattern.as_bytes()).err(),
            Some(Refusal::TooLarge)
        );
    }
}

#[test]
fn number_of_states() {
    // The first count at which Nix gives up is one more.
    for (pattern, count) in [
        ("a{N}", 99_993),
        ("a{0,N}", 49_996),
        ("a{N,}", 99_992),
        ("(a){N}", 24_997),
        ("(a*){N}", 19_997),
        ("(a|b){N}", 12_498),
        ("(a?){N}", 16_664),
        ("([ab]+c){N}", 16_664),
        ("((a)b{2}){N}", 9_089),
        ("(a{3,5}){N}", 8_331),
        ("^(a$){N}", 19_997),
        ("(a|b|c){0,N}", 7_690),
        ("a{N}b{7}", 99_983),
    ] {
        let with = |count: u32| {
            let pattern = pattern.replace('N', &count.to_string());
            cache::get(pattern.as_bytes()).err()
        };
        assert_eq!(
            (with(count), with(count + 1)),
            (None, Some(Refusal::TooLarge)),
            "{pattern}"
        );
    }
}

#[test]
fn nesting() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), "|b?c)*".repeat(depth));
    assert!(matched(&nested(200), "ac").is_some());
    assert!(split(&nested(200), "x").contains("]x["));
}

#[test]
fn what_multiplies_ends() {
    let nested = format!("{}a?|b?{}", "(".repeat(20), ")*".repeat(20));
    assert!(matched(&nested, &"a".repeat(50)).is_some());
    assert!(split(&nested, &"a".repeat(50)).starts_with('['));
    let long = "a".repeat(200_000);
    assert_eq!(matched("(a*)*", &long).as_deref(), Some(""));
    assert_eq!(split("(a|a*)*b", &long), long);
}
