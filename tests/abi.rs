//! The boundary between the machine and plugins: suspension, roots, panics, requests, capabilities.

use piton_core::error::ErrorKind;
use piton_core::eval::Options;
use piton_core::host::Capabilities;
use piton_core::vm::Limits;
use piton_tests::inside::Inside;
use piton_tests::{c_plugin, inside, rust_plugin, shipped_plugin, test_plugin};
use std::path::PathBuf;

/// The test plugin beside the shipped ones.
fn with_test_plugin() -> Inside {
    let mut inside = inside();
    inside.load(&test_plugin()).expect("the test plugin loads");
    inside
}

/// The same with other options.
fn with_options(options: Options) -> Inside {
    let mut inside = Inside::bare(options);
    for file in [shipped_plugin("pure"), test_plugin()] {
        inside.load(&file).expect("the plugin loads");
    }
    inside
}

fn deep() -> Options {
    let limits = Limits {
        call_depth: 10_000_000,
        ..Limits::default()
    };
    Options {
        limits,
        ..Options::default()
    }
}

#[test]
fn a_million_nested_suspensions() {
    let mut inside = with_options(deep());
    let text = "let f = n: if n == 0 then 0 else 1 + builtins.callNested f (n - 1); in f 1000000";
    assert_eq!(inside.ok(text), "1000000");
    assert_eq!(inside.roots(), 0);
    // Each is dropped when an error passes through.
    let text = "let f = n: if n == 0 then throw \"bottom\" else 1 + builtins.callNested f (n - 1); in f 300000";
    assert_eq!(inside.fails(text), "bottom");
    assert_eq!(inside.roots(), 0);
}

#[test]
fn nested_suspensions_count_as_calls() {
    let mut inside = with_options(Options::default());
    let error = inside
        .print("let f = n: if n == 0 then 0 else 1 + builtins.callNested f (n - 1); in f 1000000")
        .expect_err("the limit is 10,000");
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert_eq!(error.message, "stack overflow; max-call-depth exceeded");
    assert_eq!(inside.roots(), 0);
    assert_eq!(
        inside.ok("builtins.callNested (n: n + 1) 1"),
        "2",
        "the evaluator is still of use"
    );
}

#[test]
fn builtins_call_others_at_once() {
    let mut inside = with_test_plugin();
    for (text, value) in [
        ("builtins.chain [ builtins.chain ]", "true"),
        // One that was called so cannot do it in turn: that would take native stack.
        (
            "builtins.chain [ builtins.chain builtins.chain ]",
            "\"asked\"",
        ),
        ("builtins.chain [ builtins.length 1 2 ]", "2"),
        ("builtins.chain [ builtins.head \"a\" ]", "\"a\""),
        // What has to be forced, takes more arguments, suspends or is no builtin is asked for.
        (
            "builtins.chain [ builtins.head (builtins.add 1 1) ]",
            "\"asked\"",
        ),
        ("builtins.chain [ builtins.elemAt ]", "\"asked\""),
        ("builtins.chain [ builtins.concatLists ]", "\"asked\""),
        ("builtins.chain [ (x: x) ]", "\"asked\""),
    ] {
        assert_eq!(inside.ok(text), value, "{text}");
    }
    let text = "builtins.chain [ builtins.head ]";
    assert_eq!(
        inside.fails(text),
        "'builtins.head' called on an empty list"
    );
    let message = inside.fails("builtins.chain [ builtins.panicLeaf ]");
    assert!(
        message.starts_with("the builtin 'panicLeaf' of plugin 'abi_test'"),
        "{message}"
    );
    assert_eq!(inside.roots(), 0);
}

/// Each text comes to its value, and leaves no root behind.
#[track_caller]
fn each_comes_to(cases: &[(&str, &str)]) {
    let mut inside = with_test_plugin();
    for (text, value) in cases {
        assert_eq!(inside.ok(text), *value, "{text}");
    }
    assert_eq!(inside.roots(), 0);
}

#[test]
fn strings_are_names() {
    each_comes_to(&[
        ("builtins.named \"b\" { a = 1; b = 2; }", "2"),
        ("builtins.named \"c\" { a = 1; b = 2; }", "null"),
        (
            "let name = \"a long name\" + \"!\"; in [ (builtins.named name { ${name} = 1; }) (builtins.named name { \"a long name!\" = 2; }) ]",
            "[ 1 2 ]",
        ),
        (
            "map (name: builtins.named name { aLongerName = 1; }) (builtins.attrNames { aLongerName = 0; anotherLongName = 0; })",
            "[ 1 null ]",
        ),
    ]);
}

#[test]
fn listed_names_are_left_out() {
    each_comes_to(&[
        (
            "builtins.unlisted { a = 1; b = 2; c = 3; } [ \"c\" \"a\" \"c\" \"d\" ]",
            "{ b = 2; }",
        ),
        ("builtins.unlisted { a = 1; } [ ]", "{ a = 1; }"),
        (
            "builtins.unlisted ({ a = 1; } // builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 100)) (builtins.genList (i: \"n${toString i}\") 99)",
            "\"asked\"",
        ),
        (
            "let names = builtins.genList (i: \"n${toString i}\") 99; in builtins.deepSeq names (builtins.unlisted (builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 100)) names)",
            "{ n99 = 99; }",
        ),
        // Neither what has to be forced, nor other values, nor strings with a context.
        (
            "builtins.unlisted { a = 1; } [ (builtins.head [ \"a\" ]) ]",
            "\"asked\"",
        ),
        ("builtins.unlisted { a = 1; } [ 1 ]", "\"asked\""),
        (
            "let text = \"${builtins.toFile \"a\" \"\"}\"; in builtins.seq text (builtins.unlisted { a = 1; } [ text ])",
            "\"asked\"",
        ),
    ]);
}

#[test]
fn lists_have_a_rest() {
    each_comes_to(&[
        ("builtins.leftOver 0 [ 1 2 ]", "[ 1 2 ]"),
        ("builtins.leftOver 2 [ 1 2 ]", "[ ]"),
        ("builtins.leftOver 3 [ 1 2 ]", "\"ended\""),
        ("builtins.leftOver (-1) [ 1 2 ]", "\"ended\""),
        (
            "builtins.leftOver 1999 (builtins.genList (i: i) 2001)",
            "[ 1999 2000 ]",
        ),
    ]);
}

#[test]
fn values_are_compared_with_and_without_a_request() {
    each_comes_to(&[
        (
            "builtins.alike (x: x) [ 1 { a = \"b\"; } ] [ 1 { a = \"b\"; } ]",
            "true",
        ),
        ("builtins.alike (x: x) [ 1 ] [ 2 ]", "false"),
        // What is not evaluated, or much, is asked for.
        (
            "let list = n: builtins.genList (i: i * n) 100; in builtins.alike (x: x) (list 1) (list 1)",
            "true",
        ),
        (
            "let list = n: builtins.genList (i: i * n) 3; in builtins.alike (x: x) (list 1) (list 2)",
            "false",
        ),
        (
            "let drv = a: { type = \"derivation\"; outPath = \"/x\"; inherit a; }; in builtins.alike (x: x) (drv 1) (drv 2)",
            "true",
        ),
        ("let f = x: x; in builtins.alike f [ f ] [ f ]", "true"),
        ("builtins.alike (x: x) [ (x: x) ] [ (x: x) ]", "false"),
    ]);
}

#[test]
fn members_of_sets_become_a_set() {
    let mut inside = with_test_plugin();
    for (sets, value) in [
        (
            "[ { key = \"b\"; value = 1; } { other = 0; key = \"a\"; value = 2; } ]",
            "{ a = 2; b = 1; }",
        ),
        ("[ ]", "{ }"),
        // Of one name the first stays, and only where it stays does the value have to be there.
        (
            "[ { key = \"a\"; value = 1; } { key = \"a\"; value = 2; } ]",
            "{ a = 1; }",
        ),
        (
            "[ { key = \"a\"; value = 1; } { key = \"a\"; } ]",
            "{ a = 1; }",
        ),
        (
            "[ { key = \"a\"; } { key = \"a\"; value = 1; } ]",
            "\"lacking\"",
        ),
        (
            "[ { key = \"a\"; value = 1; } { key = \"b\"; } ]",
            "\"lacking\"",
        ),
        // Names have to be there, and to be strings without context.
        (
            "[ { key = \"a\"; value = 1; } { value = 1; } ]",
            "\"lacking\"",
        ),
        ("[ { key = 1; value = 1; } ]", "\"lacking\""),
        (
            "[ { key = builtins.appendContext \"a\" { \"/nix/store/7rjmzzgdwgyxrqf6ljvmxbwq2ydhmyzb-x\" = { path = true; }; }; value = 1; } ]",
            "\"lacking\"",
        ),
        ("[ { key = \"a\"; value = 1; } 2 ]", "\"lacking\""),
        // A set that is laid over another one.
        (
            "[ ({ key = \"a\"; value = 1; } // builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 100)) ]",
            "{ a = 1; }",
        ),
    ] {
        let text = format!("let sets = {sets}; in builtins.deepSeq sets (builtins.members sets)");
        assert_eq!(inside.ok(&text), value, "{text}");
    }
    // What is not evaluated has no members yet.
    let text = "builtins.members [ (builtins.head [ { key = \"a\"; value = 1; } ]) ]";
    assert_eq!(inside.ok(text), "\"lacking\"");
    assert_eq!(inside.roots(), 0);
}

#[test]
fn sets_are_zipped_in_order() {
    let mut inside = with_test_plugin();
    let many = "(builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 100))";
    for (sets, value) in [
        ("[ ]".to_owned(), "{ }"),
        ("[ { } { } ]".to_owned(), "{ }"),
        (
            "[ { b = 1; a = 2; } { c = 3; } { a = 4; b = 5; } { a = 6; } ]".to_owned(),
            "{ a = \"a: 2 4 6\"; b = \"b: 1 5\"; c = \"c: 3\"; }",
        ),
        // Sets with layers, and so many that they are no longer sorted as few are.
        (
            format!("[ {{ n7 = 0; }} ({many} // {{ n7 = 1; }}) ({many} // {{ n8 = 2; }}) ]"),
            "",
        ),
        ("[ { a = 1; } 2 ]".to_owned(), "\"asked\""),
        ("[ { a = 1; } null ]".to_owned(), "\"asked\""),
    ] {
        let zipped = format!(
            "let sets = {sets}; f = name: values: \"${{name}}: ${{toString values}}\";
            in builtins.deepSeq sets (builtins.zipped f sets)"
        );
        if value.is_empty() {
            let some = format!("builtins.attrValues {{ inherit ({zipped}) n7 n8 n99; }}");
            let some = inside.ok(&some);
            assert_eq!(some, "[ \"n7: 0 1 7\" \"n8: 8 2\" \"n99: 99 99\" ]");
        } else {
            assert_eq!(inside.ok(&zipped), value, "{sets}");
        }
    }
    // What is not evaluated is asked for first.
    let text = "builtins.zipped (name: values: values) [ (builtins.head [ { a = 1; } ]) ]";
    assert_eq!(inside.ok(text), "\"asked\"");
    assert_eq!(inside.roots(), 0);
}

#[test]
fn a_million_requests_in_one_frame_in_bounded_memory() {
    let limits = Limits {
        memory: 64 << 20,
        first_collection: 4 << 20,
        ..Limits::default()
    };
    let mut inside = with_options(Options {
        limits,
        ..Options::default()
    });
    // Each call answers a string of its own: 100 MB in all, of which only the last is kept.
    let text = "builtins.stringLength (builtins.loopRequests 1000000 (i: \"${toString i} and so much text that it is no short string, by far; it goes on and on\"))";
    assert_eq!(inside.ok(text), "77");
    assert_eq!(inside.roots(), 0);
}

#[test]
fn what_a_frame_holds_survives_collections() {
    let limits = Limits {
        gc_stress: true,
        ..Limits::default()
    };
    let mut inside = with_options(Options {
        limits,
        ..Options::default()
    });
    let text = "builtins.holdMany 100 (i: [ i \"text number ${toString i}, long enough not to be inline\" ])";
    let printed = inside.ok(text);
    assert!(
        printed.starts_with("[ [ 0 \"text number 0, long"),
        "{printed}"
    );
    assert!(printed.contains("[ 99 \"text number 99, long"), "{printed}");
    assert_eq!(inside.ok("builtins.loopRequests 500 (i: [ i ])"), "[ 499 ]");
    assert_eq!(inside.roots(), 0);
}

#[test]
fn what_builtins_hold_counts_for_the_limit_of_memory() {
    let limits = Limits {
        memory: 64 << 20,
        ..Limits::default()
    };
    let mut inside = with_options(Options {
        limits,
        ..Options::default()
    });
    let megabytes = |count: u64| format!("builtins.holdBytes {}", count << 20);
    let too_much =
        "out of memory: the evaluation exceeds the limit of 67108864 bytes (--max-memory)";
    assert_eq!(inside.ok(&format!("{} (_: 1)", megabytes(60))), "1");
    assert_eq!(inside.fails(&format!("{} (_: 1)", megabytes(64))), too_much);
    // Frames within each other hold together what each of them holds, and those that have ended hold nothing.
    let nested = format!("{} (_: {} (_: 2))", megabytes(40), megabytes(20));
    assert_eq!(inside.ok(&nested), "2");
    let nested = format!("{} (_: {} (_: 2))", megabytes(40), megabytes(40));
    assert_eq!(inside.fails(&nested), too_much);
    let again = format!("({} (_: 1)) + ({} (_: 1))", megabytes(40), megabytes(40));
    assert_eq!(inside.ok(&again), "2");
    let caught = format!(
        "builtins.foldl' (a: b: a + (if (builtins.tryEval ({} (_: throw \"no\"))).success then 1 else 2)) 0 [ 1 2 3 ]",
        megabytes(40)
    );
    assert_eq!(inside.ok(&caught), "6");
    // Garbage makes room for what is held, and the heap leaves room for it.
    let garbage = "builtins.foldl' (a: b: builtins.length (builtins.genList (i: i) 100000)) 0 (builtins.genList (i: i) 200)";
    assert_eq!(
        inside.ok(&format!("{garbage} + {} (_: {garbage})", megabytes(50))),
        "200000"
    );
    assert_eq!(inside.fails("builtins.holdBytes (-1) (_: 1)"), too_much);
    assert_eq!(inside.roots(), 0);
}

#[test]
fn leaked_roots_do_not_stay() {
    let mut inside = with_test_plugin();
    // A value that a Rust plugin forgets is the plugin's leak; one whose frame panics or that C forgets is swept.
    let leaked = inside.roots();
    let message = inside.fails("builtins.panicAsync (x: x)");
    assert!(message.contains("panicAsync holds"), "{message}");
    assert_eq!(inside.roots(), leaked);
    for _ in 0..3 {
        assert_eq!(
            inside.fails("builtins.panicInDrop (x: throw \"in f\")"),
            "in f"
        );
        assert_eq!(inside.roots(), leaked);
    }
}

#[test]
fn a_panic_is_an_error_that_names_plugin_and_builtin() {
    let mut inside = with_test_plugin();
    let cases = [
        (
            "builtins.panicLeaf 42",
            "panicLeaf",
            "panicLeaf was called with",
        ),
        (
            "builtins.panicAsync (x: x)",
            "panicAsync",
            "panicAsync holds",
        ),
        (
            "builtins.panicInDrop (x: x)",
            "panicInDrop",
            "a bomb was dropped",
        ),
        ("builtins.panicNumber 1", "panicNumber", ""),
        ("builtins.panicPayload 1", "panicPayload", ""),
    ];
    for (text, name, words) in cases {
        let error = inside.print(text).expect_err("it panics");
        assert_eq!(error.kind(), ErrorKind::Plugin, "{text}");
        for part in [
            format!("'{name}'"),
            "'abi_test' 0.1.0".to_owned(),
            words.to_owned(),
        ] {
            assert!(
                error.message.contains(&part),
                "{text}: '{part}' is not in {}",
                error.message
            );
        }
        let report = inside.report(text);
        assert!(
            report.contains("«string»:1:1"),
            "the place in the Nix source is missing: {report}"
        );
        assert_eq!(inside.roots(), 0, "{text}");
        let caught = format!("builtins.tryEval ({text})");
        assert!(
            inside.fails(&caught).contains(name),
            "tryEval does not catch it"
        );
    }
    let message = inside.fails("builtins.panicLeaf 42");
    assert!(
        message.contains("faults.rs:"),
        "the place in the plugin is missing: {message}"
    );
    assert_eq!(
        inside.ok("map (x: x * 2) [ 1 2 ]"),
        "[ 2 4 ]",
        "the evaluator is still of use"
    );
}

#[test]
fn a_builtin_is_dropped_when_an_error_passes_through_it() {
    let mut inside = with_test_plugin();
    let count = |inside: &mut Inside| {
        inside
            .ok("builtins.dropCount null")
            .parse::<i64>()
            .expect("a number")
    };
    let before = count(&mut inside);
    assert_eq!(
        inside.fails("builtins.dropWatch (_: throw \"inside\")"),
        "inside"
    );
    assert_eq!(count(&mut inside), before + 1);
    inside.fails("builtins.dropWatch (_: builtins.dropWatch (_: 1 + \"x\"))");
    assert_eq!(count(&mut inside), before + 3);
    assert_eq!(
        inside.ok("(builtins.tryEval (builtins.dropWatch (_: throw \"x\"))).success"),
        "false"
    );
    assert_eq!(count(&mut inside), before + 4);
    assert_eq!(inside.ok("builtins.dropWatch (_: 5)"), "5");
    assert_eq!(count(&mut inside), before + 5);
}

#[test]
fn errors_of_builtins_are_of_their_kind() {
    let mut inside = with_test_plugin();
    let kinds = [
        ErrorKind::Eval,
        ErrorKind::Type,
        ErrorKind::Throw,
        ErrorKind::Abort,
        ErrorKind::MissingAttribute,
        ErrorKind::Io,
        ErrorKind::Forbidden,
        ErrorKind::Assertion,
        ErrorKind::Limit,
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let text = format!("builtins.failLeaf {number} \"message {number}\"");
        let error = inside.print(&text).expect_err("it fails");
        assert_eq!(
            (error.kind(), &*error.message),
            (kind, &*format!("message {number}"))
        );
        let caught = inside.print(&format!("(builtins.tryEval ({text})).success"));
        assert_eq!(caught.is_ok(), kind.is_catchable(), "tryEval and {kind:?}");
    }
    assert_eq!(
        inside.fails("builtins.failAfter (_: 1)"),
        "the second error"
    );
    assert_eq!(
        inside.fails("builtins.failAfter (_: throw \"of f\")"),
        "of f"
    );
    assert_eq!(
        inside.fails("builtins.failAfter (_: \"x\")"),
        "expected an integer but found a string: \"x\""
    );
    assert_eq!(inside.ok("builtins.tryCall (_: throw \"no\")"), "null");
    assert_eq!(
        inside.fails("builtins.tryCall (_: abort \"no\")"),
        "evaluation aborted with the following error message: 'no'"
    );
}

#[test]
fn requests_that_cannot_be_served() {
    let mut inside = with_test_plugin();
    let message = inside.fails("builtins.unknownRequest 1");
    assert!(
        message.contains("9999") || message.contains("support"),
        "{message}"
    );
    let message = inside.fails("builtins.noRequest (x: 1)");
    assert!(
        message.contains("'abi_test'") && message.contains("'noRequest'"),
        "{message}"
    );
    assert_eq!(inside.roots(), 0);
}

#[test]
fn a_request_without_its_capability_is_refused() {
    let mut inside = with_test_plugin();
    let message = inside.fails("builtins.needsClock null");
    assert!(
        message.contains("'needsClock'") && message.contains("clock"),
        "{message}"
    );
    assert_eq!(inside.ok("builtins.hasClock null"), "1000000000");
    // Declared, but not granted: it is not there.
    let options = Options {
        granted: Capabilities::PURE,
        ..Options::default()
    };
    let mut pure = with_options(options);
    assert_eq!(pure.ok("builtins ? hasClock"), "false");
    assert_eq!(
        pure.fails("__hasClock null"),
        "undefined variable '__hasClock'"
    );
    assert!(pure.fails("builtins.needsClock null").contains("clock"));
}

#[test]
fn plugins_in_c_that_break_the_protocol() {
    let mut inside = inside();
    inside
        .load(&c_plugin("tests/plugins/c/misbehaves.c", &[]))
        .expect("it loads");
    let names = [
        "waitsForNothing",
        "failsSilently",
        "unknownTag",
        "answersAbsent",
        "leafWaits",
        "tooManyArguments",
        "tooFewArguments",
    ];
    for name in names {
        let error = inside
            .print(&format!("builtins.{name} 1"))
            .expect_err("it misbehaves");
        assert_eq!(error.kind(), ErrorKind::Plugin, "{name}: {}", error.message);
        assert!(
            error.message.contains("misbehaves") && error.message.contains(name),
            "{}",
            error.message
        );
        assert_eq!(inside.ok("builtins.length [ 1 2 ]"), "2", "after {name}");
    }
}

#[test]
fn constants_are_evaluated_once() {
    let mut inside = inside();
    inside
        .load(&c_plugin("tests/plugins/c/constant.c", &[]))
        .expect("it loads");
    let text = "[ builtins.constantLeaf builtins.constantLeaf __constantLeaf builtins.constantList builtins.constantList ]";
    assert!(inside.ok(text).starts_with("[ 7 7 7 [ 1 2 3 ]"));
    assert_eq!(inside.ok("builtins.constantStarts null"), "2");
}

#[test]
fn the_drivers_agree() {
    let mut inside = with_test_plugin();
    let arguments = [
        ("Fold", "(a: b: a + b) 0 (builtins.genList (i: i) 50)"),
        ("Fold", "(a: b: \"${a}-${toString b}\") \"start\" [ 1 2 3 ]"),
        (
            "Fold",
            "(a: b: a ++ [ b ]) [ ] (map (x: x * 2) [ 1 2 3 4 5 ])",
        ),
        (
            "Fold",
            "(a: b: if b == 3 then throw \"three\" else b) 0 [ 1 2 3 4 ]",
        ),
        ("Fold", "(a: b: b) 0 [ 1 (throw \"element\") ]"),
        ("Fold", "1 0 [ 1 ]"),
        ("Fold", "(a: b: a) 0 [ ]"),
        ("Fold", "(a: b: a) 0 3"),
        ("Sort", "(a: b: a < b) [ 5 3 9 1 2 8 ]"),
        ("Sort", "(a: b: a.k < b.k) [ { k = 2; } { k = 1; } ]"),
        ("Sort", "(a: b: throw \"compared\") [ 1 2 ]"),
        ("Sort", "(a: b: 1) [ 1 2 ]"),
    ];
    for (name, arguments) in arguments {
        let mut answer = |driver: &str| {
            let result = inside.print(&format!("builtins.{driver}{name} {arguments}"));
            result.map_err(|error| (error.kind(), error.message.replace(driver, "")))
        };
        assert_eq!(answer("slot"), answer("ref"), "{name} {arguments}");
    }
    assert_eq!(
        inside.ok("[ (builtins.refAdd 1 2) (builtins.asyncAdd 1 2) (builtins.leafAdd 1 2) ]"),
        "[ 3 3 3 ]"
    );
    assert_eq!(inside.roots(), 0);
}

#[test]
fn each_evaluator_has_its_own_state_of_a_plugin() {
    let (mut one, mut other) = (with_test_plugin(), with_test_plugin());
    assert_eq!(one.ok("builtins.countCalls 1"), "1");
    assert_eq!(one.ok("builtins.countCalls 1"), "2");
    assert_eq!(other.ok("builtins.countCalls 1"), "1");
}

/// The example plugins of the documentation.
fn examples() -> [PathBuf; 3] {
    [
        rust_plugin("examples/hello", "hello"),
        rust_plugin("examples/plugin-rust", "example"),
        c_plugin("examples/plugin-c/plugin.c", &[]),
    ]
}

#[test]
fn the_example_plugins() {
    let mut inside = inside();
    for file in examples() {
        inside.load(&file).expect("an example loads");
    }
    let cases = [
        ("builtins.greet \"Bob\"", "\"Hello, Bob!\""),
        ("builtins.toBase64 \"\"", "\"\""),
        (
            "map builtins.toBase64 [ \"f\" \"fo\" \"foo\" \"foob\" ]",
            "[ \"Zg==\" \"Zm8=\" \"Zm9v\" \"Zm9vYg==\" ]",
        ),
        (
            "builtins.length (builtins.zipWith (a: b: throw \"lazy\") [ 1 2 ] [ 3 4 ])",
            "2",
        ),
        ("builtins.applyTwice (x: [ x ]) 1", "[ [ 1 ] ]"),
        ("builtins.firstSet [ null null ]", "null"),
        ("builtins.firstSet [ null 1 (throw \"not reached\") ]", "1"),
        (
            "builtins.countBy (x: x) [ \"a\" \"b\" \"a\" ]",
            "{ a = 2; b = 1; }",
        ),
        (
            "builtins.attrNames (builtins.indexBy (x: x.n) (builtins.genList (i: { n = \"n${toString i}\"; }) 5))",
            "[ \"n0\" \"n1\" \"n2\" \"n3\" \"n4\" ]",
        ),
        ("builtins.popcount (-1)", "64"),
        (
            "builtins.sumWith (x: x * x) (builtins.genList (i: i) 101)",
            "338350",
        ),
        ("builtins.iterate (s: \"<${s}>\") 3 \"x\"", "\"<<<x>>>\""),
        ("builtins.iterate (x: x) 0 (1 + 1)", "2"),
    ];
    for (text, expected) in cases {
        assert_eq!(inside.ok(text), expected, "{text}");
    }
    assert_eq!(
        inside.fails("builtins.indexBy (x: \"same\") [ 1 2 ]"),
        "two elements are named 'same'"
    );
    assert_eq!(
        inside.fails("builtins.sumWith (x: \"a\") [ 1 ]"),
        "expected an integer but found a string: \"a\""
    );
    assert_eq!(
        inside.fails("builtins.sumWith (x: 9223372036854775807) [ 1 2 ]"),
        "sumWith: integer overflow"
    );
    assert_eq!(
        inside.fails("builtins.iterate (x: throw \"third\") 3 \"x\""),
        "third"
    );
    assert_eq!(
        inside.fails("builtins.popcount \"x\""),
        "expected an integer but found a string: \"x\""
    );
    assert_eq!(inside.roots(), 0);
}

#[test]
fn every_example_of_test_and_example_plugins_runs() {
    let mut inside = with_test_plugin();
    for file in examples() {
        inside.load(&file).expect("an example loads");
    }
    for builtin in inside.evaluator.vm().host.builtins() {
        if !builtin.example.is_empty() && !["pure", "impure"].contains(&&*builtin.plugin) {
            assert_eq!(
                inside.ok(&builtin.example),
                builtin.example_result,
                "{}",
                builtin.example
            );
        }
    }
}
