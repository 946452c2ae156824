//! Depth and size: nothing that a program does, and nothing in how it is written, may crash the evaluator. What is too much ends in
//! an error that names the limit.

use piton_core::eval::Options;
use piton_core::vm::Limits;
use piton_tests::inside::Inside;
use piton_tests::run::{Finished, eval, eval_fails, piton_run};
use piton_tests::{inside, shipped_plugin};

/// Calls nested a million deep are meant here.
const DEEP: &[&str] = &["--max-call-depth", "10000000"];

/// A list in a list in a list, `n` deep.
fn nested_list(n: usize) -> String {
    format!("(builtins.foldl' (inner: _: [ inner ]) [ ] (builtins.genList (i: i) {n}))")
}

/// A set in a set in a set, `n` deep.
fn nested_set(n: usize) -> String {
    format!("(builtins.foldl' (inner: _: {{ a = inner; }}) {{ }} (builtins.genList (i: i) {n}))")
}

#[test]
fn recursion_a_million_deep() {
    assert_eq!(
        eval(
            DEEP,
            "let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 1000000"
        ),
        "1000000"
    );
    assert_eq!(
        eval(
            DEEP,
            "let even = n: if n == 0 then true else !(odd (n - 1)); odd = n: !(even n); in even 100001"
        ),
        "true"
    );
    let through_builtins = "let f = n: if n == 0 then 0 else builtins.foldl' (a: b: a + b) 1 (map f [ (n - 1) ]); in f 200000";
    assert_eq!(eval(DEEP, through_builtins), "200000");
    let through_functor =
        "let f = { __functor = self: n: if n == 0 then 0 else 1 + self (n - 1); }; in f 200000";
    assert_eq!(eval(DEEP, through_functor), "200000");
    let through_string =
        "let f = n: if n == 0 then \"\" else \"${f (n - 1)}x\"; in builtins.stringLength (f 20000)";
    assert_eq!(eval(DEEP, through_string), "20000");
}

/// `all (all (.. isNull))` of `[ [ .. null ] ]`: each builtin calls the next one, with nothing in between.
fn builtins_in_builtins(n: usize) -> String {
    format!(
        "let numbers = builtins.genList (i: i) {n};
            f = builtins.foldl' (f: _: builtins.all f) builtins.isNull numbers;
            list = builtins.foldl' (list: _: [ list ]) null numbers;
         in f list"
    )
}

#[test]
fn builtins_that_call_builtins() {
    assert_eq!(eval(&[], &builtins_in_builtins(9000)), "true");
    assert_eq!(eval(DEEP, &builtins_in_builtins(300_000)), "true");
    let err = eval_fails(&[], &builtins_in_builtins(20_000));
    assert!(err.contains("max-call-depth exceeded"), "{err}");
    // An application that waits for one that waits, each of a builtin that answers at once.
    let chain = "let xs = [ 7 ] ++ map (builtins.elemAt xs) (builtins.genList (i: i) 300000); in builtins.elemAt xs 300000";
    assert_eq!(eval(DEEP, chain), "7");
}

#[test]
fn the_default_limit() {
    let err = eval_fails(&[], "let f = n: 1 + f (n + 1); in f 0");
    assert!(
        err.contains("error: stack overflow; max-call-depth exceeded"),
        "{err}"
    );
    assert!(err.contains("«string»:1:"), "the place is missing: {err}");
    assert!(
        err.contains("--max-call-depth"),
        "the way out is missing: {err}"
    );
    assert!(
        err.lines().count() < 60,
        "the report is as deep as the recursion: {} lines",
        err.lines().count()
    );
    assert_eq!(
        eval(
            &[],
            "let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 9000"
        ),
        "9000"
    );
    eval_fails(
        &[],
        "let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 10100",
    );
    assert_eq!(
        eval(
            &["--max-call-depth", "30000"],
            "let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 20000"
        ),
        "20000"
    );
    eval_fails(
        &["--max-call-depth", "100"],
        "let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 200",
    );
    let err = eval_fails(&[], "builtins.tryEval (let f = n: 1 + f (n + 1); in f 0)");
    assert!(
        err.contains("max-call-depth"),
        "tryEval must not catch a limit: {err}"
    );
    let err = eval_fails(&["--show-trace"], "let f = n: 1 + f (n + 1); in f 0");
    assert!(err.contains("max-call-depth"), "{err}");
}

#[test]
fn lists_and_sets_a_million_deep() {
    let n = 1_000_000;
    for nested in [nested_list(n), nested_set(n)] {
        assert_eq!(eval(DEEP, &format!("builtins.deepSeq {nested} 1")), "1");
        assert_eq!(eval(DEEP, &format!("{nested} == {nested}")), "true");
        assert_eq!(eval(DEEP, &format!("builtins.seq {nested} 2")), "2");
    }
    assert_eq!(
        eval(
            DEEP,
            &format!("{} < {}", nested_list(n), nested_list(n + 1))
        ),
        "true"
    );
    let json = |nested: &str| {
        eval(
            DEEP,
            &format!("builtins.stringLength (builtins.toJSON {nested})"),
        )
    };
    assert_eq!(json(&nested_list(n)), (2 * (n + 1)).to_string());
    assert_eq!(json(&nested_set(n)), (6 * n + 2).to_string());
    assert_eq!(
        eval(
            DEEP,
            &format!("builtins.stringLength (toString {})", nested_list(n))
        ),
        "0"
    );
    // The indentation of XML grows with the depth: its text with the square of it.
    let xml = eval(
        &[],
        &format!(
            "builtins.stringLength (builtins.toXML {})",
            nested_list(3000)
        ),
    );
    assert!(
        xml.parse::<usize>().expect("a number") > 3000 * 3000,
        "{xml}"
    );
}

#[test]
fn nested_data_counts_like_nested_calls() {
    // The deepest that Nix 2.34 takes, too.
    for (expr, deepest) in [
        ("list == other", 10_000),
        ("list < other", 10_000),
        ("builtins.deepSeq list 1", 9_999),
        ("toString list", 9_999),
        ("builtins.toJSON list", 9_999),
        ("builtins.toXML list", 9_999),
        ("builtins.toJSON set", 9_999),
        ("builtins.toXML set", 9_999),
    ] {
        let nested = |n: usize| {
            let (list, set) = (nested_list(n), nested_set(n - 1));
            format!(
                "let list = {list}; other = {list}; set = {{ x = {set}; }}; in builtins.seq ({expr}) 1"
            )
        };
        let run = |n: usize| piton_run(["eval", "--expr", &nested(n)]).finish();
        assert_eq!(run(deepest).success(), "1", "{expr}");
        let err = run(deepest + 1).failure();
        assert!(err.contains("max-call-depth exceeded"), "{expr}: {err}");
        assert!(err.lines().count() < 30, "{expr}: {err}");
    }
}

#[test]
fn printing_a_million_deep() {
    let n = 1_000_000;
    let list = eval(DEEP, &nested_list(n));
    assert_eq!(list.len(), 4 * n + 3);
    assert!(list.starts_with("[ [ [ ") && list.ends_with(" ] ] ]"));
    let set = eval(DEEP, &nested_set(n));
    assert!(set.starts_with("{ a = { a = ") && set.ends_with("; }; }"));
    let json = eval(&["--json", "--max-call-depth", "10000000"], &nested_list(n));
    assert_eq!(json.len(), 2 * (n + 1));
    eval(&["--xml"], &nested_list(2000));
}

#[test]
fn json_a_million_deep() {
    let n = 1_000_000;
    let text = format!(
        "(builtins.concatStringsSep \"\" (builtins.genList (i: if i < {n} then \"[\" else \"]\") {}))",
        2 * n
    );
    assert_eq!(
        eval(
            DEEP,
            &format!("builtins.toJSON (builtins.fromJSON {text}) == {text}")
        ),
        "true"
    );
    assert_eq!(
        eval(
            DEEP,
            &format!("builtins.fromJSON {text} == builtins.fromJSON {text}")
        ),
        "true"
    );
    let unclosed = format!(
        "builtins.fromJSON (builtins.concatStringsSep \"\" (builtins.genList (i: \"[\") {n}))"
    );
    assert!(eval_fails(&[], &unclosed).contains("parse error"));
}

#[test]
fn toml_with_many_brackets() {
    let text = |n: usize| {
        format!(
            "\"a = \" + builtins.concatStringsSep \"\" (builtins.genList (i: if i < {n} then \"[\" else \"]\") {})",
            2 * n
        )
    };
    let finished = piton_run(["eval", "--strict", "--max-memory", "1G", "--expr"])
        .arg(format!(
            "builtins.stringLength (builtins.toJSON (builtins.fromTOML ({})))",
            text(4000)
        ))
        .finish();
    // Either it can, or it says that it does not.
    match finished.status {
        0 => assert_eq!(finished.out(), (2 * 4000 + 6).to_string()),
        _ => assert!(
            finished.failure().contains("while parsing"),
            "a message of TOML's"
        ),
    }
    assert_eq!(
        eval(
            &[],
            &format!(
                "builtins.stringLength (builtins.toJSON (builtins.fromTOML ({})))",
                text(50)
            )
        ),
        "106"
    );
}

#[test]
fn lazy_accumulators() {
    let sum =
        "(builtins.foldl' (a: b: { x = a.x + b; }) { x = 0; } (builtins.genList (i: i) 1000000)).x";
    assert_eq!(eval(&[], sum), "499999500000");
    let lists = "builtins.head (builtins.foldl' (a: b: [ (builtins.head a + 1) ]) [ 0 ] (builtins.genList (i: i) 1000000))";
    assert_eq!(eval(DEEP, lists), "1000000");
    let strict = "builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: i) 1000000)";
    assert_eq!(eval(&[], strict), "499999500000");
    let set =
        "(builtins.foldl' (a: b: a // { n = b; }) { n = 0; } (builtins.genList (i: i) 100000)).n";
    assert_eq!(eval(&[], set), "99999");
    let chain = "let l = builtins.genList (i: if i == 0 then 0 else builtins.elemAt l (i - 1) + 1) 1000000; in builtins.elemAt l 999999";
    assert_eq!(eval(DEEP, chain), "999999");
}

/// Evaluates what must end for want of memory.
#[track_caller]
fn limited(expr: &str) {
    let args = [
        "eval",
        "--strict",
        "--max-memory",
        "128M",
        "--max-call-depth",
        "4000000000",
        "--expr",
        expr,
    ];
    let err = piton_run(args).memory_limit_gigabytes(4).finish().failure();
    assert!(err.contains("--max-memory"), "{expr}: {err}");
}

#[test]
fn frames_count_as_memory() {
    limited("let f = n: 1 + f (n + 1); in f 0");
    limited("let f = n: 1 + f 1; in f 0");
    limited("let f = n: if n == 0 then 1 else builtins.foldl' (a: b: f n) 0 [ 1 ]; in f 1");
}

#[test]
fn memory_has_a_limit() {
    limited("let f = l: f (l ++ l); in f [ 1 ]");
    limited("let f = s: f (s + s); in f \"x\"");
    limited("let f = s: n: f (s // { \"a${toString n}\" = n; }) (n + 1); in f { } 0");
    limited("builtins.length (builtins.genList (x: x) 1000000000000)");
    limited("builtins.length (builtins.genList (x: x) 9223372036854775807)");
    limited("builtins.foldl' (a: b: [ a b ]) null (builtins.genList (i: [ i ]) 100000000)");
    limited("builtins.deepSeq (let l = n: [ n (l (n + 1)) ]; in l 0) 1");
    limited("builtins.tryEval (let f = l: f (l ++ l); in f [ 1 ])");
    limited(
        "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }",
    );
    // Within the limit garbage is collected: this allocates far more than it keeps.
    let garbage = "builtins.foldl' (a: b: builtins.length [ a b \"${toString b} some text that is not short\" ]) 0 (builtins.genList (i: i) 1000000)";
    assert_eq!(eval(&["--max-memory", "512M"], garbage), "3");
}

/// Each of the sets is let go once the next one is there, with its shape, while the first one stays.
#[test]
fn sets_made_of_sets_over_and_over_take_no_memory() {
    let set = "builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 5000)";
    let again = "a: _: let b = builtins.mapAttrs (name: value: 1) a; in builtins.deepSeq b b";
    let text = format!(
        "let set = {set}; last = builtins.foldl' ({again}) set (builtins.genList (i: i) 1500);
         in [ (builtins.length (builtins.attrNames last)) set.n1 ]"
    );
    assert_eq!(eval(&["--max-memory", "64M"], &text), "[ 5000 1 ]");
}

#[test]
fn many_values_of_few_names_take_what_they_take() {
    let text = "let set = { a = 1; }; zipped = builtins.zipAttrsWith (name: values: values) (builtins.genList (i: set) 300000);
        in builtins.length zipped.a";
    // Nine of them are the process that evaluates nothing.
    assert_eq!(eval(&["--max-memory", "27M"], text), "300000");
}

/// Runs a program that is read from standard input.
fn run_text(text: String) -> Finished {
    piton_run(["eval", "--strict"])
        .args(DEEP)
        .arg("-")
        .stdin(text)
        .finish()
}

#[test]
fn sources_nested_20000_deep() {
    let n = 20_000;
    let nest =
        |open: &str, inner: &str, close: &str| [&open.repeat(n), inner, &close.repeat(n)].concat();
    let cases = [
        ("parentheses", nest("(", "1", ")"), "1"),
        ("if", nest("if true then ", "1", " else 2"), "1"),
        ("else if", nest("if false then 1 else ", "2", ""), "2"),
        (
            "condition",
            nest("if ", "true", " then true else false"),
            "true",
        ),
        (
            "lambdas",
            format!("builtins.isFunction ({})", nest("x: ", "x", "")),
            "true",
        ),
        (
            "formals",
            format!("builtins.isFunction ({})", nest("{ x ? 1 }: ", "x", "")),
            "true",
        ),
        (
            "defaults",
            format!("({}) {{ }}", nest("{ x ? ", "1", " }: 2")),
            "2",
        ),
        ("not", nest("!", "true", ""), "true"),
        ("negation", nest("- ", "1", ""), "1"),
        ("addition", nest("1 + ", "1", ""), "20001"),
        ("dense addition", nest("1+", "1", ""), "20001"),
        (
            "concatenation",
            format!("builtins.length ({})", nest("[ 1 ] ++ ", "[ ]", "")),
            "20000",
        ),
        (
            "update",
            nest("{ a = 1; } // ", "{ a = 2; }", ""),
            "{ a = 2; }",
        ),
        ("implication", nest("true -> ", "true", ""), "true"),
        ("and", nest("true && ", "false", ""), "false"),
        ("subtraction", format!("0{}", " - 1".repeat(n)), "-20000"),
        ("let", nest("let x = 1; in ", "x", ""), "1"),
        (
            "let within",
            format!("{}1{}", "let x = ".repeat(n), "; in x".repeat(n)),
            "1",
        ),
        ("with", nest("with { x = 1; }; ", "x", ""), "1"),
        ("assert", nest("assert true; ", "1", ""), "1"),
        ("calls", nest("(x: x) (", "1", ")"), "1"),
        (
            "many arguments",
            format!("(let f = x: f; in f){} == 1", " 1".repeat(n)),
            "false",
        ),
        (
            "selections",
            format!("(let s = {{ a = s; b = 1; }}; in s{}.b)", ".a".repeat(n)),
            "1",
        ),
        ("or", nest("{ }.a or (", "1", ")"), "1"),
        ("strings", nest("\"${", "\"x\"", "}\""), "\"x\""),
        ("indented strings", nest("''${", "\"x\"", "}''"), "\"x\""),
        (
            "attribute path",
            format!("builtins.isAttrs {{ a{} = 1; }}", ".a".repeat(n)),
            "true",
        ),
        ("has", format!("{{ }} ? a{}", ".a".repeat(n)), "false"),
        (
            "inherit",
            format!("builtins.isAttrs {}", nest("{ inherit (", "{ }", ") a; }")),
            "true",
        ),
    ];
    for (name, text, expected) in cases {
        let finished = run_text(text);
        assert_eq!(finished.status, 0, "{name}: {}", &finished.err());
        assert_eq!(finished.out(), expected, "{name}");
    }
    assert_eq!(run_text(nest("[ ", "", " ]")).success().len(), 4 * n - 1);
    assert_eq!(
        run_text(nest("{ a = ", "1", "; }"))
            .success()
            .matches("a =")
            .count(),
        n
    );
    assert_eq!(
        run_text(nest("rec { a = ", "1", "; }"))
            .success()
            .matches("a =")
            .count(),
        n
    );
}

#[test]
fn sources_that_break_off_20000_deep() {
    let n = 20_000;
    for open in [
        "(",
        "[ ",
        "{ a = ",
        "\"${",
        "''${",
        "if true then ",
        "x: ",
        "let a = ",
        "- ",
        "!",
        "{ a ? ",
        "rec { ",
        "with ",
    ] {
        let err = run_text(open.repeat(n)).failure();
        assert!(err.contains("syntax error"), "{open}: {err}");
    }
    for close in [")", "]", "}", ";"] {
        let err = run_text(format!("1{}", close.repeat(n))).failure();
        assert!(err.contains("syntax error"), "{close}: {err}");
    }
}

#[test]
fn cyclic_data() {
    assert_eq!(
        eval(&[], "let a = { b = a; c = 1; }; in a"),
        "{ b = «repeated»; c = 1; }"
    );
    assert_eq!(eval(&[], "let l = [ 1 l ]; in l"), "[ 1 [ 1 «repeated» ] ]");
    assert_eq!(eval(&[], "let a = { b = a; }; in a == a"), "true");
    assert_eq!(eval(&[], "let l = [ l ]; in l == l"), "true");
    assert_eq!(
        eval(&[], "let a = { b = a; }; in builtins.deepSeq a 1"),
        "1"
    );
    assert_eq!(eval(&[], "let l = [ l 1 ]; in l < l"), "false");
    // Two cycles of one form are unrolled against each other without end.
    for expr in [
        "let a = { b = a; }; c = { b = c; }; in a == c",
        "let a = [ a ]; b = [ b ]; in a == b",
        "let a = [ a ]; b = [ b ]; in a < b",
        "let l = [ l ]; in builtins.toJSON l",
        "let l = [ l ]; in toString l",
        "let s = { a = s; }; in builtins.toXML s",
        "let s = { __toString = _: s; }; in \"${s}\"",
        "let s = { outPath = s; }; in toString s",
        "let s = { __functor = s; }; in s 1",
    ] {
        let finished = piton_run(["eval", "--strict", "--max-memory", "256M", "--expr", expr])
            .memory_limit_gigabytes(4)
            .finish();
        let err = finished.failure();
        assert!(
            ["max-call-depth", "--max-memory", "infinite recursion"]
                .iter()
                .any(|limit| err.contains(limit)),
            "{expr}: {err}"
        );
    }
}

/// The pure set in an evaluator that collects long before others do.
fn collecting_early() -> Inside {
    let limits = Limits {
        first_collection: 8 << 20,
        call_depth: 10_000_000,
        ..Limits::default()
    };
    let mut inside = Inside::bare(Options {
        limits,
        ..Options::default()
    });
    inside
        .load(&shipped_plugin("pure"))
        .expect("the pure set loads");
    inside
}

#[test]
fn deep_structures_are_collected_and_dropped() {
    let mut inside = collecting_early();
    let n = 500_000;
    for nested in [nested_list(n), nested_set(n)] {
        let value = inside.value(&nested).expect("it evaluates");
        // Collections happen while it is alive and after it is dead.
        inside.ok("builtins.foldl' (a: b: [ b ]) [ ] (builtins.genList (i: i) 1000000)");
        assert!(inside.evaluator.force_deep(value).is_ok());
    }
    inside.value("let f = n: if n == 0 then throw \"end\" else { a = n; b = f (n - 1); }; in builtins.deepSeq (f 300000) 1")
        .expect_err("it throws at the end");
    drop(inside);
}

#[test]
fn thunks_with_more_captures_than_a_piece_of_a_block_are_collected() {
    const CAPTURES: usize = 40_000;
    let mut inside = collecting_early();
    let each = |member: fn(usize) -> String| (0..CAPTURES).map(member).collect::<String>();
    // Each list is a thunk that captures all members. All but one have their value when they are collected; most lie in no block.
    let program = format!(
        "let make = z: let {} big = [ {} ]; in {{ inherit big; len = builtins.length big; }};
             sum = list: builtins.foldl' (a: b: a + b) 0 list;
             waste = n: builtins.length (builtins.foldl' (a: b: [ b ]) [ ] (builtins.genList (i: i) n));
             done = builtins.genList make 10; waiting = make 10;
             sums = sum (map (each: sum each.big) done);
         in builtins.seq waiting [ (sum (map (each: each.len) done)) (waste 300000) sums (sum waiting.big) (waste 300000) (sum (map (each: sum each.big) done)) ]",
        each(|index| format!("a{index} = z + {index}; ")),
        each(|index| format!("a{index} ")),
    );
    let sum = |z: usize| CAPTURES * (CAPTURES - 1) / 2 + z * CAPTURES;
    let sums: usize = (0..10).map(sum).sum();
    assert_eq!(
        inside.ok(&program),
        format!("[ {} 1 {sums} {} 1 {sums} ]", 10 * CAPTURES, sum(10))
    );
}

#[test]
fn an_evaluator_goes_on_after_a_limit() {
    let mut inside = inside();
    for _ in 0..3 {
        assert_eq!(
            inside.fails("let f = n: 1 + f (n + 1); in f 0"),
            "stack overflow; max-call-depth exceeded"
        );
        assert_eq!(
            inside.ok("let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 5000"),
            "5000"
        );
    }
    assert_eq!(
        inside.fails("let x = x; in x"),
        "infinite recursion encountered"
    );
    assert_eq!(inside.ok("let x = 1; in x"), "1");
}

#[test]
fn wide_data() {
    assert_eq!(
        eval(
            &[],
            "builtins.length (builtins.attrNames (builtins.listToAttrs (builtins.genList (i: { name = toString i; value = i; }) 100000)))"
        ),
        "100000"
    );
    assert_eq!(
        eval(
            &[],
            "builtins.deepSeq (builtins.listToAttrs (builtins.genList (i: { name = toString i; value = [ i ]; }) 400000)) 1"
        ),
        "1"
    );
    assert_eq!(
        eval(
            &[],
            "builtins.stringLength (toString (builtins.genList (i: i) 100000))"
        ),
        "588889"
    );
    let text = format!("[ {} ]", "1 ".repeat(100_000));
    assert_eq!(
        run_text(format!("builtins.length {text}")).success(),
        "100000"
    );
    let set: String = (0..50_000).map(|i| format!("a{i} = {i}; ")).collect();
    assert_eq!(
        run_text(format!("(rec {{ {set} }}).a49999")).success(),
        "49999"
    );
    let bindings: String = (0..50_000)
        .map(|i| format!("a{} = a{i} + 1; ", i + 1))
        .collect();
    assert_eq!(
        run_text(format!("let a0 = 0; {bindings} in a50000")).success(),
        "50000"
    );
    let formals: String = (0..20_000).map(|i| format!("a{i} ? {i}, ")).collect();
    assert_eq!(
        run_text(format!("({{ {formals} }}: a19999) {{ a3 = 1; }}")).success(),
        "19999"
    );
    let long = "x".repeat(1 << 20);
    assert_eq!(
        run_text(format!("builtins.stringLength \"{long}\"")).success(),
        (1 << 20).to_string()
    );
    assert_eq!(
        run_text(format!("let {long} = 1; in {long}")).success(),
        "1"
    );
}
