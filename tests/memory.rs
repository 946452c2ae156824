//! `--max-memory` as the system sees it: the peak of what is resident, of programs that make garbage and of programs that keep all.
//!
//! The limit is one of all that the process takes.

use piton_tests::piton;
use std::io::Read;
use std::process::{Command, Stdio};
use wait4::Wait4;

const MIB: u64 = 1 << 20;
/// What is given as `--max-memory`.
const LIMIT: u64 = 256 * MIB;

/// How a program ended, and the most memory that was resident.
struct Ended {
    status: Option<i32>,
    out: String,
    err: String,
    peak: u64,
}

fn run(expr: &str) -> Ended {
    // More address space than this is not given: a limit that does not hold fails the test, not the machine.
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 4194304; exec \"$0\" \"$@\""])
        .arg(piton())
        .args(["eval", "--strict", "--max-memory", &LIMIT.to_string()])
        .args(["--max-call-depth", "4000000000", "--expr", expr])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Piton runs");
    let read = |pipe: Option<&mut dyn Read>| {
        let mut text = String::new();
        pipe.expect("it is piped")
            .read_to_string(&mut text)
            .expect("it says text");
        text
    };
    // Neither says enough to fill a pipe.
    let out = read(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read));
    let err = read(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read));
    let ended = child.wait4().expect("it can be waited for");
    Ended {
        status: ended.status.code(),
        out: out.trim_end().to_owned(),
        err,
        peak: ended.rusage.maxrss,
    }
}

/// The peak is at most a tenth above the limit.
#[track_caller]
fn within(name: &str, ended: &Ended) {
    let most = LIMIT * 11 / 10;
    println!("{name}: {} MiB", ended.peak / MIB);
    assert!(
        ended.peak <= most,
        "{name}: {} MiB at the peak, {} at most",
        ended.peak / MIB,
        most / MIB
    );
}

/// Programs that make far more than the limit, and keep little: name, result, expression.
const GARBAGE: &[(&str, &str, &str)] = &[
    (
        "strings",
        "28",
        r#"builtins.foldl' (a: b: builtins.stringLength "${toString b} and some more text ${toString a}") 0 (builtins.genList (i: i) 1000000)"#,
    ),
    (
        "long strings",
        "1000003",
        r#"let s = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 100000); in builtins.foldl' (a: b: builtins.stringLength "${s}${toString b}") 0 (builtins.genList (i: i) 1000)"#,
    ),
    (
        "lists",
        "100000",
        "builtins.foldl' (a: b: builtins.length (builtins.genList (i: i) 100000)) 0 (builtins.genList (i: i) 200)",
    ),
    (
        "lists of all lengths",
        "7763",
        "builtins.foldl' (a: b: builtins.length (builtins.genList (i: i) (b * 7919 - b * 7919 / 50021 * 50021))) 0 (builtins.genList (i: i) 1000)",
    ),
    (
        "sets",
        "3",
        "builtins.foldl' (a: b: builtins.length [ a b { x = b; y = a; } ]) 0 (builtins.genList (i: i) 1500000)",
    ),
    (
        "a set that grows",
        "6000",
        r#"builtins.length (builtins.attrNames (builtins.foldl' (a: i: a // { ${"k${toString i}"} = i; }) { } (builtins.genList (i: i) 6000)))"#,
    ),
    (
        "strings of several lines beside much that is kept in pieces",
        "300100000",
        r#"let kept = builtins.genList (i: builtins.seq (builtins.genList (x: x) 7) { a = i; }) 100000; text = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 300); in builtins.deepSeq kept (builtins.foldl' (a: b: a + builtins.stringLength "${text}${toString b}" / 3000 * 3001) 0 (builtins.genList (i: i) 100000) + builtins.length kept - 100000)"#,
    ),
    (
        "beside a long list",
        "20",
        "let kept = builtins.genList (i: { a = i; }) 100000; in builtins.deepSeq kept (builtins.foldl' (a: b: builtins.length (builtins.genList (i: { x = i; }) 20)) 0 (builtins.genList (i: i) 400000))",
    ),
    (
        "JSON",
        "20000",
        r#"builtins.foldl' (a: b: builtins.length (builtins.fromJSON (builtins.toJSON (builtins.genList (i: { inherit i; s = "text"; }) 20000)))) 0 (builtins.genList (i: i) 20)"#,
    ),
    (
        "calls",
        "1800000",
        "let f = n: if n == 0 then 0 else 1 + f (n - 1); in builtins.foldl' (a: b: a + f 9000) 0 (builtins.genList (i: i) 200)",
    ),
    (
        "fragments",
        "2",
        r#"let step = b: let l = builtins.genList (i: "${toString b} ${toString i} text text text") 50; in builtins.deepSeq l l; in builtins.length (builtins.foldl' (a: b: builtins.seq a (let l = step b; in builtins.seq l (if b - b / 40 * 40 == 0 then [ (builtins.elemAt l 7) a ] else a))) null (builtins.genList (i: i) 30000))"#,
    ),
    (
        "beside much that is kept",
        "500003",
        "let kept = builtins.genList (i: { a = i; b = [ i i ]; }) 500000; in builtins.deepSeq kept (builtins.foldl' (a: b: builtins.length [ a b { x = b; y = a; } ]) 0 (builtins.genList (i: i) 3000000) + builtins.length kept)",
    ),
];

/// Programs that keep all: name and expression.
const KEEPING: &[(&str, &str)] = &[
    ("a list doubled", "let f = l: f (l ++ l); in f [ 1 ]"),
    ("a string doubled", r#"let f = s: f (s + s); in f "x""#),
    (
        "a set that grows",
        r#"let f = s: n: f (s // { "a${toString n}" = n; }) (n + 1); in f { } 0"#,
    ),
    (
        "too long a list",
        "builtins.length (builtins.genList (x: x) 1000000000000)",
    ),
    (
        "too long a string",
        r#"builtins.stringLength (builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 30000000))"#,
    ),
    (
        "JSON",
        "let go = n: if n == 0 then [ ] else [ (go (n - 1)) (go (n - 1)) ]; in builtins.stringLength (builtins.toJSON (go 25))",
    ),
    (
        "long strings",
        r#"builtins.deepSeq (let s = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 100000); in builtins.genList (i: "${s}${toString i}") 1000) 1"#,
    ),
    // What an allocator leaves between objects of some sizes would be backed by large pages.
    (
        "strings of 600,000 bytes",
        r#"builtins.deepSeq (let s = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 60000); in builtins.genList (i: "${s}${toString i}") 10000) 1"#,
    ),
    (
        "strings of 100,000 bytes",
        r#"builtins.deepSeq (let s = builtins.concatStringsSep "" (builtins.genList (i: "0123456789") 10000); in builtins.genList (i: "${s}${toString i}") 10000) 1"#,
    ),
    (
        "lists and sets",
        "builtins.length (builtins.foldl' (a: b: [ a { x = b; } ]) [ ] (builtins.genList (i: i) 5000000))",
    ),
    (
        "strings",
        r#"builtins.length (builtins.foldl' (a: b: builtins.seq b [ a b ]) [ ] (builtins.genList (i: "some text that is kept ${toString i}") 5000000))"#,
    ),
    (
        "a list without end",
        "builtins.deepSeq (let l = n: [ n (l (n + 1)) ]; in l 0) 1",
    ),
    (
        "a closure of strings without end",
        r#"builtins.genericClosure { startSet = [ { key = "0"; n = 0; } ]; operator = x: [ { key = "number ${toString (x.n + 1)}"; n = x.n + 1; } ]; }"#,
    ),
    (
        "a closure that grows by tens",
        "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: builtins.genList (i: { key = x.key * 10 + i + 1; }) 10; }",
    ),
    (
        "a closure without end",
        "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }",
    ),
    (
        "groups",
        r#"builtins.length (builtins.attrNames (builtins.groupBy (x: "g${toString x}") (builtins.genList (x: x) 3000000)))"#,
    ),
    ("calls", "let f = n: 1 + f (n + 1); in f 0"),
    (
        "calls by builtins",
        "let f = n: if n == 0 then 1 else builtins.foldl' (a: b: f n) 0 [ 1 ]; in f 1",
    ),
];

#[test]
fn garbage_is_collected_within_the_limit() {
    for (name, result, expr) in GARBAGE {
        let ended = run(expr);
        assert_eq!(ended.status, Some(0), "{name}: {}", ended.err);
        assert_eq!(ended.out, *result, "{name}");
        within(name, &ended);
    }
}

/// One body that makes more than the limit, with no call in between.
#[test]
fn a_body_without_calls_is_collected_within_the_limit() {
    let chain = |operand: &str, operator: &str| vec![operand; 3000].join(operator);
    for (name, result, expr) in [
        (
            "sums of strings",
            "300000",
            format!(
                r#"(s: builtins.stringLength ({})) (builtins.concatStringsSep "" (builtins.genList (i: "x") 100))"#,
                chain("s", " + ")
            ),
        ),
        (
            "lists",
            "300000",
            format!(
                "(l: builtins.length ({})) (builtins.genList (i: i) 100)",
                chain("l", " ++ ")
            ),
        ),
    ] {
        let ended = run(&expr);
        assert_eq!(ended.status, Some(0), "{name}: {}", ended.err);
        assert_eq!(ended.out, result, "{name}");
        within(name, &ended);
    }
}

#[test]
fn what_keeps_all_ends_in_an_error_that_names_the_limit() {
    for (name, expr) in KEEPING {
        let ended = run(expr);
        assert_eq!(ended.status, Some(1), "{name}: {} {}", ended.out, ended.err);
        assert_eq!(ended.out, "", "{name}");
        let message = format!("the limit of {LIMIT} bytes (--max-memory)");
        assert!(ended.err.contains(&message), "{name}: {}", ended.err);
        within(name, &ended);
    }
}
