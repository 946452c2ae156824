//! What sources mean, as the text that Nix prints for them, and how they fail.

use super::ast::Ast;
use super::{Lint, ParseMemory, ParseOptions, ast_equal, oracle, show};
use crate::error::{ErrorKind, Result};
use crate::source::{Origin, Pos, SourceFile, SourceMap};
use crate::symbol::Interner;

const PIPES: ParseOptions = ParseOptions {
    pipe_operators: true,
    absolute_paths: Lint::Ignore,
    short_paths: Lint::Ignore,
    urls: Lint::Ignore,
};

fn parse(file: &SourceFile, interner: &mut Interner, options: &ParseOptions) -> Result<Ast> {
    super::parse(file, interner, options, &mut ParseMemory::default())
}

fn sources(text: &[u8]) -> SourceMap {
    let mut sources = SourceMap::default();
    sources
        .add(Origin::String, text.to_vec().into())
        .expect("small");
    sources
}

/// The tree as text, or the error with its place.
fn shown_bytes(text: &[u8], options: &ParseOptions) -> String {
    let sources = sources(text);
    let file = sources.file(Pos(1)).expect("one file");
    let mut interner = Interner::new();
    match parse(file, &mut interner, options) {
        Ok(tree) => {
            String::from_utf8_lossy(&show(&tree, &interner, b"/base", b"/home/me")).into_owned()
        }
        Err(error) => match sources.locate(error.pos) {
            Some(place) => format!("{error} at {}:{}", place.line, place.column),
            None => error.to_string(),
        },
    }
}

fn shown(text: &str) -> String {
    shown_bytes(text.as_bytes(), &ParseOptions::default())
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(text), *expected, "for {text}");
    }
}

#[test]
fn operators_bind_and_group() {
    check(&[
        ("1 + 2 * 3 - 4", "(__sub (1 + (__mul 2 3)) 4)"),
        ("a // b // c ++ d ++ e", "(a // (b // (c ++ (d ++ e))))"),
        ("a -> b -> c || d && e", "(a -> (b -> (c || (d && e))))"),
        ("!a ? b == c", "((! ((a) ? b)) == c)"),
        ("a * !b + c", "(__mul a (! (b + c)))"),
        ("-a ? b", "(((__sub 0 a)) ? b)"),
        (
            "a < b == c >= d",
            "((__lessThan a b) == (! (__lessThan c d)))",
        ),
        ("a > b", "(__lessThan b a)"),
        ("a == b == c", "syntax error, unexpected '==' at 1:8"),
        ("a < b <= c", "syntax error, unexpected '<=' at 1:7"),
    ]);
}

#[test]
fn calls_are_flat() {
    check(&[
        ("(f a) b (g c)", "(f a b (g c))"),
        ("<nixpkgs> { }", "(__findFile __nixPath \"nixpkgs\" { })"),
        ("(a - b) c", "(__sub a b c)"),
        ("f x or y", "(f (x or) y)"),
        ("<x> or y", "((__findFile __nixPath \"x\") or y)"),
        ("a.b or c.d or e", "(a).b or ((c).d or (e))"),
    ]);
}

#[test]
fn pipes_need_to_be_enabled() {
    assert_eq!(shown_bytes(b"a |> f b |> g", &PIPES), "(g (f b a))");
    assert_eq!(shown_bytes(b"f <| g <| a", &PIPES), "(f (g a))");
    assert_eq!(
        shown_bytes(b"a |> f <| b", &PIPES),
        "syntax error, unexpected '<|', expecting end of file at 1:8"
    );
    assert!(shown("a |> f").starts_with("experimental Nix feature 'pipe-operators' is disabled"));
}

#[test]
fn sets_merge_as_in_nix() {
    check(&[
        ("{ a.b = 1; a.c = 2; }", "{ a = { b = 1; c = 2; }; }"),
        (
            "{ a = { b = 1; }; a.c.d = 2; a = { c.e = 3; }; }",
            "{ a = { b = 1; c = { d = 2; e = 3; }; }; }",
        ),
        (
            "{ a = rec { b = 1; }; a = { c = b; }; }",
            "{ a = rec { b = 1; c = b; }; }",
        ),
        (
            "{ a = { inherit (x) p; }; a = { inherit (y) q r; }; }",
            "{ a = { inherit (x) p; inherit (y) q r; }; }",
        ),
        (
            "{ a.${b}.c = 1; a.${b}.d = 2; }",
            "{ a = { \"${b}\" = { c = 1; }; \"${b}\" = { d = 2; }; }; }",
        ),
        (
            "{ \"x y\" = 1; ${\"z\"} = 2; or = 3; }",
            "{ or = 3; \"x y\" = 1; z = 2; }",
        ),
        (
            "{ a = 1; a = 2; }",
            "attribute 'a' already defined at «string»:1:3 at 1:10",
        ),
        (
            "{ a.b = 1; a.b.c = 2; }",
            "attribute 'a.b' already defined at «string»:1:3 at 1:12",
        ),
        (
            "{ a = { b = 1; }; a.b = 2; }",
            "attribute 'a.b' already defined at «string»:1:9 at 1:19",
        ),
        (
            "let inherit x; x = 1; in x",
            "attribute 'x' already defined at «string»:1:13 at 1:16",
        ),
        // A duplicate is found before what stands behind it, and an outer one before an inner one.
        (
            "{ a = 1; a = 2; b = { c = 1; c = 2; }; ]",
            "attribute 'a' already defined at «string»:1:3 at 1:10",
        ),
        (
            "let ${x} = 1; in x",
            "dynamic attributes not allowed in let at 1:1",
        ),
        (
            "{ inherit ${x}; }",
            "dynamic attributes not allowed in inherit at 1:11",
        ),
        (
            "let { a = 1; body = a; }",
            "(rec { a = 1; body = a; }).body",
        ),
    ]);
}

#[test]
fn many_names_are_checked_too() {
    let names: String = (0..50)
        .map(|index| format!("n{index} = {index}; "))
        .collect();
    assert!(shown(&format!("{{ {names} }}")).starts_with("{ n0 = 0; n1 = 1; n10 = 10; "));
    assert!(shown(&format!("{{ {names} n7 = 0; }}")).starts_with("attribute 'n7' already defined"));
    assert_eq!(
        shown("{ a, b, c, d, e, f, g, h, i, a }: 1"),
        "duplicate formal function argument 'a' at 1:30"
    );
}

#[test]
fn functions() {
    check(&[
        ("x: y: x", "(x: (y: x))"),
        ("{ b ? 1, a, ... }@args: a", "({ a, b ? 1, ... } @ args: a)"),
        ("args@{ }: 1", "({  } @ args: 1)"),
        ("{ a, }: a", "({ a }: a)"),
        (
            "{ x, y, x }: x",
            "duplicate formal function argument 'x' at 1:9",
        ),
        (
            "{ x }@x: x",
            "duplicate formal function argument 'x' at 1:1",
        ),
        (
            "{ a }",
            "syntax error, unexpected end of file, expecting ':' or '@' at 1:6",
        ),
        (
            "f { a }: a",
            "syntax error, unexpected '}', expecting '.' or '=' at 1:7",
        ),
    ]);
}

#[test]
fn strings() {
    check(&[
        (r#""a\n\${b}$$\"${c}""#, r#"("a\n\${b}$$\"" + c)"#),
        (r#""$${x} $" "#, r#""$\${x} $""#),
        ("\"a\r\nb\rc\"", r#""a\nb\nc""#),
        (
            "''\n    a\n  ${b}\n\n     c\n  ''",
            r#"("  a\n" + b + "\n\n   c\n")"#,
        ),
        (
            "'' a '''b ''$c ''\\n ''${d}$${e}''",
            r#"("a " + "''" + "b " + "$" + "c " + "\n" + "$" + "{d}$\${e}")"#,
        ),
        ("''\tx\n\t y''", r#""\tx\n\t y""#),
        ("''${\"a\"}''", r#""a""#),
        (
            "\"abc",
            "syntax error, unexpected end of file, expecting '\"' at 1:5",
        ),
        (
            "\"a\0b\"",
            "input string 'a␀b' cannot be represented as Nix string because it contains null bytes at 1:2",
        ),
    ]);
}

#[test]
fn paths_and_uris() {
    check(&[
        ("/a/../b/./c", "/b/c"),
        ("../x/y", "/x/y"),
        ("a/b", "/base/a/b"),
        ("~/a", "/home/me/a"),
        ("./a/${b}c//d", "(/base/a/ + b + \"c/\" + \"/d\")"),
        ("https://a.b/c?d=e", "\"https://a.b/c?d=e\""),
        ("x:y", "\"x:y\""),
        ("a_b: c", "(a_b: c)"),
        ("1/2", "/base/1/2"),
        ("./a/ ", "path has a trailing slash at 1:5"),
        (
            "./a//b",
            "syntax error, unexpected end of path, expecting '${' at 1:1",
        ),
    ]);
}

#[test]
fn numbers() {
    check(&[
        (
            "[ 9223372036854775807 1.5 .5 1. 00.5 ]",
            "[ (9223372036854775807) (1.5) (0.5) (1) (0) (0.5) ]",
        ),
        (
            "9223372036854775808",
            "invalid integer '9223372036854775808' at 1:1",
        ),
        ("1.0e400", "invalid float '1.0e400' at 1:1"),
        (
            "[ 1.0e300 123456789.0 0.00001 ]",
            "[ (1e+300) (1.23457e+08) (1e-05) ]",
        ),
    ]);
}

#[test]
fn syntax_errors_name_what_is_expected() {
    check(&[
        ("", "syntax error, unexpected end of file at 1:1"),
        (
            "{ a = 1 }",
            "syntax error, unexpected '}', expecting ';' at 1:9",
        ),
        (
            "{ a = 1; 2 }",
            "syntax error, unexpected integer, expecting 'inherit' at 1:10",
        ),
        (
            "let a = 1; }",
            "syntax error, unexpected '}', expecting 'in' or 'inherit' at 1:12",
        ),
        (
            "a.+",
            "syntax error, unexpected '+', expecting identifier or 'or' or '${' or '\"' at 1:3",
        ),
        (
            "if a else b",
            "syntax error, unexpected 'else', expecting 'then' at 1:6",
        ),
        ("é", "syntax error, unexpected invalid token at 1:1"),
        ("1 \0", "the source has a NUL byte here at 1:3"),
    ]);
}

#[test]
fn texts_need_not_be_utf8() {
    let text = b"# \xff\n{ \"\xfe\" = \"\xc3\" + ''\xe9''; }";
    let sources = sources(text);
    let file = sources.file(Pos(1)).expect("one file");
    let mut interner = Interner::new();
    for parse in [parse, oracle::parse] {
        let tree = parse(file, &mut interner, &PIPES).expect("parses");
        assert_eq!(
            show(&tree, &interner, b"/", b"/"),
            b"{ \"\xfe\" = (\"\xc3\" + \"\xe9\"); }"
        );
    }
}

#[test]
fn rnix_agrees() {
    let cases: [&str; 8] = [
        "{ lib, stdenv ? null, ... }@args: rec { a.b = 1; a.c = lib.x.${args.y}.z or [ 1 2.5 ]; inherit (lib) p q; }",
        "let inherit x; f = a: b: a ++ b; in assert f != null; with f 1 (-2); !x ? y.z -> \"a${b}c\" + ''\n  d\n   ${e}\n''",
        "[ ./a /b/../c ~/d <e/f> https://g.h ./i${j}k \"l\\n\" (x: y) { } (f or) __curPos ]",
        "(let { body = if a then b else c; }) + (x |> f 1 |> g) * (h <| i)",
        "{ a = { inherit (x) p; }; a = { inherit (y) q r; ${z} = 1; }; \"s t\".u = 1; }",
        "(f a) b ((g) (h i)) - 1 - 2 // { } // rec { }",
        "{\r\n  a = ''\r\n    x\r\n  '';\r\n}",
        "a.b or c.d or e && (f: f) == (g: g) || !h",
    ];
    for text in cases {
        let sources = sources(text.as_bytes());
        let file = sources.file(Pos(1)).expect("one file");
        let mut interner = Interner::new();
        let ours = parse(file, &mut interner, &PIPES).expect("parses");
        let theirs = oracle::parse(file, &mut interner, &PIPES).expect("parses");
        assert!(ast_equal(&ours, &theirs), "for {text}");
    }
}

#[test]
fn depth_is_bounded_by_a_limit_alone() {
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{}a{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{ a = ", "; }"),
        ("x: ", ""),
        ("{ x ? ", " }: y"),
        ("if a then b else ", ""),
        ("!", ""),
        ("a ++ ", ""),
        ("1 + ", ""),
        ("\"${", "}\""),
        ("a.b or ", ""),
    ] {
        let text = deep(open, close, 30_000);
        let shown = shown(&text);
        assert!(
            !shown.contains("error") && !shown.contains("limit"),
            "for {open}"
        );
    }
    let sources = sources(deep("(", ")", 300_000).as_bytes());
    let file = sources.file(Pos(1)).expect("one file");
    let error = parse(file, &mut Interner::new(), &PIPES).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.message.contains("200000"));
}

#[test]
fn nodes_stand_where_nix_has_them() {
    let sources = sources(b"(a) + \"x${b}\"");
    let file = sources.file(Pos(1)).expect("one file");
    let tree = parse(file, &mut Interner::new(), &PIPES).expect("parses");
    let root = tree.root.expect("a root");
    let super::ast::Expr::Binary(_, left, right) = tree.expr(root) else {
        panic!("a sum")
    };
    let offset = |pos: Pos| pos.0 - file.pos(0).0;
    assert_eq!(
        [root, left, right].map(|id| offset(tree.pos(id))),
        [4, 1, 7]
    );
    assert_eq!(
        [left, right].map(|id| offset(tree.operand_start(id))),
        [0, 6]
    );
}
