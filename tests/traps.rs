//! Traps that other evaluators have fallen into, one by one.

use piton_tests::run::{eval, eval_fails, files, piton_run};
use std::os::unix::fs::symlink;

#[test]
fn strings_are_bytes() {
    let run = |expr: &str| piton_run(["eval", "--raw", "--expr", expr]).finish();
    assert_eq!(run("builtins.substring 0 1 \"é\"").stdout, b"\xc3");
    assert_eq!(run("builtins.substring 1 1 \"é\"").stdout, b"\xa9");
    assert_eq!(run("builtins.substring 1 1 \"é\" + \"x\"").stdout, b"\xa9x");
    assert_eq!(
        run("builtins.substring 2 3 \"aé漢b\"").stdout,
        b"\xa9\xe6\xbc"
    );
    let printed = piton_run([
        "eval",
        "--strict",
        "--expr",
        "[ (builtins.substring 0 1 \"é\") ]",
    ])
    .finish();
    assert_eq!(printed.stdout, b"[ \"\xc3\" ]\n");
    assert_eq!(
        run("builtins.concatStringsSep (builtins.substring 0 1 \"é\") [ \"a\" \"b\" ]").stdout,
        b"a\xc3b"
    );
    assert_eq!(eval(&[], "builtins.stringLength \"é漢😀\""), "9");
    assert_eq!(
        eval(
            &[],
            "builtins.hashString \"md5\" (builtins.substring 0 1 \"é\") == builtins.hashString \"md5\" \"é\""
        ),
        "false"
    );
    let err = eval_fails(&[], "builtins.toJSON (builtins.substring 0 1 \"é\")");
    assert!(err.contains("UTF-8"), "{err}");
    let (_folder, path) =
        files::<[u8]>(&[("latin1.nix", b"\"caf\xe9\""), ("data.txt", b"\xff\xfe\n")]);
    let printed = piton_run(["eval", "--raw"])
        .arg(path.join("latin1.nix"))
        .finish();
    assert_eq!((printed.status, &*printed.stdout), (0, &b"caf\xe9"[..]));
    let read = format!(
        "builtins.stringLength (builtins.readFile {}/data.txt)",
        path.display()
    );
    assert_eq!(eval(&[], &read), "3");
}

#[test]
fn the_byte_zero_is_refused() {
    let (_folder, path) = files::<[u8]>(&[("zero.txt", b"a\0b"), ("zero.nix", b"\"a\0b\"")]);
    let err = eval_fails(
        &[],
        &format!("builtins.readFile {}/zero.txt", path.display()),
    );
    assert!(
        err.contains("cannot be represented as a Nix string"),
        "{err}"
    );
    // It is a file like any other where its text is not wanted.
    let hash = eval(
        &[],
        &format!("builtins.hashFile \"sha256\" {}/zero.txt", path.display()),
    );
    assert_eq!(
        hash,
        "\"59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138\""
    );
    eval_fails(&[], "builtins.fromJSON ''\"a\\u0000b\"''");
    piton_run(["eval"])
        .arg(path.join("zero.nix"))
        .finish()
        .failure();
    eval_fails(&[], "builtins.fromTOML ''a = \"\\u0000\"''");
}

#[test]
fn sorting_survives_every_comparator() {
    let list = "(builtins.genList (i: (i * 7919 + 13) / 3 - (i * 7919 + 13) / 3 / 101 * 101) 500)";
    for comparator in [
        "a: b: true",
        "a: b: false",
        "a: b: a != b",
        "a: b: (a + b) / 2 * 2 == a + b",
        "a: b: a <= b",
    ] {
        let expr = format!(
            "let l = {list}; sorted = builtins.sort ({comparator}) l; sum = builtins.foldl' (a: b: a + b) 0; in \
             [ (builtins.length sorted) (sum sorted == sum l) ]"
        );
        assert_eq!(eval(&[], &expr), "[ 500 true ]", "{comparator}");
    }
    for (comparator, message) in [
        ("a: b: throw \"compared\"", "compared"),
        ("a: b: if a == 40 then throw \"forty\" else a < b", "forty"),
        ("a: b: 1", "expected a Boolean but found an integer: 1"),
        (
            "a: 1",
            "attempt to call something which is not a function but an integer: 1",
        ),
    ] {
        let err = eval_fails(&[], &format!("builtins.sort ({comparator}) {list}"));
        assert!(err.contains(message), "{comparator}: {err}");
    }
    let caught = format!("(builtins.tryEval (builtins.sort (a: b: throw \"x\") {list})).success");
    assert_eq!(eval(&[], &caught), "false");
    let stable = "map (x: x.v) (builtins.sort (a: b: a.k < b.k) (builtins.genList (i: { k = i - i / 3 * 3; v = i; }) 12))";
    assert_eq!(eval(&[], stable), "[ 0 3 6 9 1 4 7 10 2 5 8 11 ]");
    assert_eq!(eval(&[], "builtins.sort (a: b: a < b) [ ]"), "[ ]");
    assert_eq!(eval(&[], "builtins.sort (throw \"unused\") [ ]"), "[ ]");
}

#[test]
fn functions_are_equal_only_as_one_cell() {
    assert_eq!(
        eval(
            &[],
            "let f = x: x; in [ (f == f) ([ f ] == [ f ]) ({ a = f; } == { a = f; }) ]"
        ),
        "[ false true true ]"
    );
    assert_eq!(
        eval(
            &[],
            "let f = x: x; s = { inherit f; }; in [ (s == s) (s.f == s.f) (s == { inherit f; }) ]"
        ),
        "[ true false true ]"
    );
    assert_eq!(eval(&[], "let f = x: x; in [ [ f ] ] == [ [ f ] ]"), "true");
    assert_eq!(eval(&[], "builtins.elem (x: x) [ (x: x) ]"), "false");
    assert_eq!(eval(&[], "let f = x: x; in builtins.elem f [ f ]"), "true");
}

#[test]
fn try_eval_catches_throw_and_assert_alone() {
    for caught in [
        "throw \"x\"",
        "assert false; 1",
        "[ ] ++ (throw \"x\")",
        "map (throw \"x\") (throw \"y\")",
        "(x: x.y) (throw \"z\")",
    ] {
        assert_eq!(
            eval(&[], &format!("(builtins.tryEval ({caught})).success")),
            "false",
            "{caught}"
        );
    }
    for (passes, message) in [
        (
            "abort \"a\"",
            "evaluation aborted with the following error message: 'a'",
        ),
        ("1 + { }", "cannot add"),
        ("{ }.x", "attribute 'x' missing"),
        ("let x = x; in x", "infinite recursion encountered"),
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("builtins.head [ ]", "empty list"),
        ("({ a }: a) { }", "without required argument 'a'"),
        ("1 2", "not a function"),
        ("builtins.fromJSON \"{\"", "parse error"),
        ("builtins.readFile /nothing/here", "No such file"),
        ("import /nothing/here", "does not exist"),
        ("builtins.match \"[\" \"x\"", "invalid regular expression"),
        ("with { }; x", "undefined variable 'x'"),
        ("\"${1}\"", "cannot coerce"),
        ("let f = x: 1 + f x; in f 1", "max-call-depth"),
    ] {
        let finished = piton_run([
            "eval",
            "--strict",
            "--expr",
            &format!("builtins.tryEval ({passes})"),
        ])
        .finish();
        let err = finished.failure();
        if !(message == "No such file" && err.contains("does not exist")) {
            assert!(err.contains(message), "{passes}: {err}");
        }
    }
}

#[test]
fn one_file_is_imported_once() {
    let (_folder, path) = files::<[u8]>(&[
        (
            "a/default.nix",
            b"builtins.trace \"evaluated\" { f = x: x; }",
        ),
        ("scoped.nix", b"builtins.trace \"evaluated\" 1"),
    ]);
    symlink("a", path.join("link")).expect("a link can be made");
    symlink("a/default.nix", path.join("link.nix")).expect("a link can be made");
    let count = |expr: &str| {
        let finished = piton_run(["eval", "--strict", "--expr", expr])
            .dir(&path)
            .finish();
        assert_eq!(finished.status, 0, "{}", finished.err());
        finished.err().matches("trace: evaluated").count()
    };
    assert_eq!(
        count(
            "let i = import; in [ (i ./a) (i ./a) (i ./a/default.nix) (i ./a/../a/default.nix) ]"
        ),
        1
    );
    assert_eq!(
        count("[ (import ./a) (import (toString ./a)) (import \"${toString ./a}/default.nix\") ]"),
        1
    );
    assert_eq!(
        count("[ (import ./a) (import ./link) (import ./link.nix) ]"),
        1
    );
    assert_eq!(
        count("map (builtins.scopedImport { }) [ ./scoped.nix ./scoped.nix ]"),
        2
    );
    assert_eq!(count("let a = import ./a; in a == import ./link"), 1);
}

#[test]
fn imports_in_a_circle() {
    let (_folder, path) = files::<[u8]>(&[
        ("a.nix", b"{ b = import ./b.nix; }"),
        ("b.nix", b"{ a = import ./a.nix; n = 1; }"),
        ("strict-a.nix", b"(import ./strict-b.nix).x"),
        ("strict-b.nix", b"{ x = import ./strict-a.nix; }"),
        ("self.nix", b"import ./self.nix"),
        ("syntax.nix", b"{ a = 1; b = }"),
    ]);
    // A lazy circle is none.
    let expr = format!("(import {}/a.nix).b.a.b.n", path.display());
    assert_eq!(eval(&[], &expr), "1");
    for file in ["strict-a.nix", "self.nix"] {
        let err = piton_run(["eval"]).arg(path.join(file)).finish().failure();
        assert!(err.contains("infinite recursion encountered"), "{err}");
        assert!(err.contains(file), "it does not name the file: {err}");
    }
    let err = eval_fails(
        &[],
        &format!("builtins.tryEval (import {}/self.nix)", path.display()),
    );
    assert!(err.contains("infinite recursion"), "{err}");
    let err = eval_fails(
        &[],
        &format!("builtins.tryEval (import {}/syntax.nix)", path.display()),
    );
    assert!(
        err.contains("syntax error") && err.contains("syntax.nix:1:14"),
        "{err}"
    );
}

#[test]
fn names_are_in_the_order_of_their_bytes() {
    let set = "{ b = 1; B = 2; a = 3; \"10\" = 4; \"9\" = 5; é = 6; _ = 7; aa = 8; \"\" = 9; }"
        .replace("é", "\"é\"");
    let names = "[ \"\" \"10\" \"9\" \"B\" \"_\" \"a\" \"aa\" \"b\" \"é\" ]";
    assert_eq!(eval(&[], &format!("builtins.attrNames {set}")), names);
    assert_eq!(
        eval(&[], &format!("builtins.attrValues {set}")),
        "[ 9 4 5 2 7 3 8 1 6 ]"
    );
    assert_eq!(
        eval(&["--json"], &set),
        "{\"\":9,\"10\":4,\"9\":5,\"B\":2,\"_\":7,\"a\":3,\"aa\":8,\"b\":1,\"é\":6}"
    );
    // Neither the order of definition nor that of interning shows.
    let expr = "builtins.attrNames (builtins.mapAttrs (n: v: v) ({ zz = 1; } // { y = 1; } // builtins.listToAttrs [ { name = \"x\"; value = 1; } ] // { inherit (builtins) add; }))";
    assert_eq!(eval(&[], expr), "[ \"add\" \"x\" \"y\" \"zz\" ]");
    assert_eq!(
        eval(
            &[],
            "builtins.attrNames (builtins.groupBy (x: x) [ \"q\" \"b\" \"q\" \"a\" ])"
        ),
        "[ \"a\" \"b\" \"q\" ]"
    );
}

#[test]
fn substrings_at_the_edges() {
    let cases = [
        ("builtins.substring 0 0 \"abc\"", "\"\""),
        ("builtins.substring 3 1 \"abc\"", "\"\""),
        ("builtins.substring 100 1 \"abc\"", "\"\""),
        ("builtins.substring 1 100 \"abc\"", "\"bc\""),
        ("builtins.substring 1 (-1) \"abc\"", "\"bc\""),
        ("builtins.substring 1 (-5) \"abc\"", "\"bc\""),
        (
            "builtins.substring 0 9223372036854775807 \"abc\"",
            "\"abc\"",
        ),
        ("builtins.substring 2 9223372036854775807 \"abc\"", "\"c\""),
        ("builtins.substring 9223372036854775807 1 \"abc\"", "\"\""),
    ];
    for (expr, expected) in cases {
        assert_eq!(eval(&[], expr), expected, "{expr}");
    }
    assert!(
        eval_fails(&[], "builtins.substring (-1) 1 \"abc\"").contains("negative start position")
    );
}

#[test]
fn messages_cannot_inject_commands_into_a_log() {
    let said = |expr: &str| {
        let finished = piton_run(["eval", "--expr", expr]).finish();
        String::from_utf8_lossy(&finished.stderr).into_owned()
    };
    for expr in [
        "builtins.trace \"x\\n::error::y\" 1",
        "builtins.warn \"x\\n::error::y\" 1",
        "builtins.trace \"x\\r::error::y\" 1",
        "throw \"x\\n::error::y\"",
        "builtins.addErrorContext \"x\\n::error::y\" (throw \"z\")",
        "abort \"x\\n::set-output name=a::b\"",
        "{ \"\\n::error::y\" = 1; }.z",
        "builtins.trace [ \"a\\n::error::y\" ] 1",
    ] {
        let err = said(expr);
        for line in err.split(['\n', '\r']) {
            assert!(
                !line.starts_with("::"),
                "{expr} begins a line of the log with a command:\n{err}"
            );
        }
    }
    for expr in [
        "builtins.trace \"a\\u001b[2Jb\" 1",
        "builtins.trace (builtins.fromJSON ''\"\\u001b]0;title\\u0007\"'') 1",
        "throw (builtins.fromJSON ''\"\\u001b[2J\"'')",
    ] {
        assert!(
            !said(expr).contains('\u{1b}'),
            "{expr} sends an escape sequence to the terminal"
        );
    }
}

#[test]
fn regular_expressions_take_linear_time() {
    // Nix's engine takes over a minute for eighteen letters.
    let expr = "builtins.match \"(a*)*b\" (builtins.concatStringsSep \"\" (builtins.genList (_: \"a\") 20000))";
    assert_eq!(eval(&[], expr), "null");
    assert_eq!(
        eval(
            &[],
            "builtins.match \"(a|aa)+$\" (builtins.concatStringsSep \"\" (builtins.genList (_: \"a\") 20000)) != null"
        ),
        "true"
    );
    let long = "builtins.length (builtins.split \"(x+x+)+y\" (builtins.concatStringsSep \"\" (builtins.genList (_: \"x\") 5000)))";
    assert_eq!(eval(&[], long), "1");
}

#[test]
fn regular_expressions_are_those_of_posix() {
    for invalid in [
        "\\\\d",
        "a(?=b)",
        "(?:a)",
        "(",
        "[",
        "a{2,1}",
        "*a",
        "a**b(",
        "[[:nope:]]",
    ] {
        let err = eval_fails(&[], &format!("builtins.match \"{invalid}\" \"a\""));
        assert!(
            err.contains("invalid regular expression"),
            "{invalid}: {err}"
        );
    }
    assert_eq!(eval(&[], "builtins.match \"a.b\" \"a\\nb\""), "[ ]");
    assert_eq!(
        eval(&[], "builtins.match \"(a)|(b)\" \"b\""),
        "[ null \"b\" ]"
    );
    assert_eq!(
        eval(&[], "builtins.match \"[[:space:]]+\" \" \\t\\n\""),
        "[ ]"
    );
    assert_eq!(
        eval(&[], "builtins.split \"(a)|b\" \"xaybz\""),
        "[ \"x\" [ \"a\" ] \"y\" [ null ] \"z\" ]"
    );
}

#[test]
fn a_pipe_does_not_block() {
    let (_folder, path) = files::<[u8]>(&[]);
    let pipe = path.join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    for expr in [
        "builtins.readFile ./pipe",
        "import ./pipe",
        "builtins.hashFile \"sha256\" ./pipe",
    ] {
        piton_run(["eval", "--expr", expr])
            .dir(&path)
            .finish()
            .failure();
    }
    piton_run(["eval", "./pipe"]).dir(&path).finish().failure();
    let types = piton_run([
        "eval",
        "--expr",
        "[ (builtins.readFileType ./pipe) (builtins.pathExists ./pipe) (builtins.readDir ./.) ]",
        "--strict",
    ]);
    assert_eq!(
        types.dir(&path).finish().success(),
        "[ \"unknown\" true { pipe = \"unknown\"; } ]"
    );
}

#[test]
fn files_whose_size_is_said_to_be_zero() {
    if !std::path::Path::new("/proc/version").exists() {
        return;
    }
    let length: usize = eval(
        &[],
        "builtins.stringLength (builtins.readFile /proc/version)",
    )
    .parse()
    .expect("a number");
    assert!(length > 10, "size zero is not empty");
}

#[test]
fn paths_with_strange_names() {
    let (_folder, path) = files::<[u8]>(&[
        ("with space/ü.nix", b"1"),
        ("a$b.nix", b"2"),
        ("-x.nix", b"3"),
    ]);
    let run = |expr: &str| {
        piton_run(["eval", "--expr", expr])
            .dir(&path)
            .finish()
            .success()
    };
    assert_eq!(run("import (./. + \"/with space/ü.nix\")"), "1");
    assert_eq!(run("import (./. + \"/a$b.nix\")"), "2");
    assert_eq!(run("import ./-x.nix"), "3");
    assert_eq!(
        piton_run(["eval", "./-x.nix"])
            .dir(&path)
            .finish()
            .success(),
        "3"
    );
    assert_eq!(
        run("builtins.attrNames (builtins.readDir ./.)"),
        "[ \"-x.nix\" \"a$b.nix\" \"with space\" ]"
    );
}
