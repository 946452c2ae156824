//! Debian's `nix-instantiate` (Nix 2.8.0) beside Piton: the expressions of `data/differential.txt`, all of them in one process each.
//! Where the two differ, each expression is run on its own to tell which it is.

use piton_tests::run::{Run, piton_run};

const EXPRESSIONS: &str = include_str!("data/differential.txt");

fn expressions() -> Vec<&'static str> {
    let lines = EXPRESSIONS.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// Debian's Nix, with a store of its own that nothing is written to.
fn nix(expr: &str) -> Run {
    Run::new("nix-instantiate")
        .args(["--eval", "--strict", "-"])
        .env("NIX_REMOTE", "dummy://")
        .stdin(expr)
}

fn piton(expr: &str) -> Run {
    piton_run(["eval", "--strict", "-"]).stdin(expr)
}

#[test]
fn nix_is_there() {
    let version = Run::new("nix-instantiate")
        .arg("--version")
        .finish()
        .success();
    assert!(version.starts_with("nix-instantiate (Nix) 2."), "{version}");
}

#[test]
fn piton_prints_what_nix_prints() {
    let expressions = expressions();
    assert!(
        expressions.len() >= 300,
        "only {} expressions",
        expressions.len()
    );
    let all: String = expressions
        .iter()
        .map(|expr| format!("  ({expr})\n"))
        .collect();
    let all = format!("[\n{all}]\n");
    let (theirs, ours) = (nix(&all).finish(), piton(&all).finish());
    if theirs.status == 0 && ours.status == 0 && theirs.stdout == ours.stdout {
        return;
    }
    let mut different = Vec::new();
    for expr in expressions {
        let (theirs, ours) = (nix(expr).finish(), piton(expr).finish());
        if theirs.status != 0 || ours.status != 0 || theirs.stdout != ours.stdout {
            let said = |finished: &piton_tests::Finished| {
                if finished.status == 0 {
                    finished.out()
                } else {
                    finished.err()
                }
            };
            different.push(format!(
                "{expr}\n  Nix:   {}\n  Piton: {}",
                said(&theirs),
                said(&ours)
            ));
        }
    }
    assert!(
        !different.is_empty(),
        "they differ together and not alone:\n{}\n{}",
        theirs.out(),
        ours.out()
    );
    panic!(
        "{} of them differ:\n\n{}",
        different.len(),
        different.join("\n")
    );
}

#[test]
fn nix_and_piton_fail_alike() {
    // The messages have changed since 2.8; that it fails, and whether tryEval catches it, has not.
    for expr in [
        "1 + \"x\"",
        "{ }.a",
        "x",
        "1 2",
        "throw \"x\"",
        "abort \"x\"",
        "assert false; 1",
        "let x = x; in x",
        "({ a }: a) { }",
        "({ a }: a) { a = 1; b = 2; }",
        "builtins.head [ ]",
        "builtins.elemAt [ ] 0",
        "1 / 0",
        "\"${1}\"",
        "if 1 then 2 else 3",
        "{ a = 1; a = 2; }",
        "{ inherit x; }",
        "builtins.fromJSON \"{\"",
        "builtins.match \"(\" \"\"",
        "builtins.genList (x: x) (-1)",
        "builtins.substring (-1) 1 \"a\"",
        "builtins.getAttr \"x\" { }",
        "builtins.listToAttrs [ { } ]",
        "builtins.toJSON (x: x)",
        "null < null",
        "{ } < { }",
        "[ 1 ] ++ 2",
        "{ } // 1",
        "with 1; a",
        "import 1",
        "import \"relative\"",
        "<nothing>",
        "1 +",
        "(",
        "\"",
        "''",
        "{ a }: { a",
    ] {
        assert_ne!(nix(expr).finish().status, 0, "Nix succeeds: {expr}");
        piton(expr).finish().failure();
        let caught = format!("builtins.tryEval ({expr})");
        let (theirs, ours) = (nix(&caught).finish(), piton(&caught).finish());
        assert_eq!(
            theirs.status == 0,
            ours.status == 0,
            "{caught}\n{}",
            ours.err()
        );
        if theirs.status == 0 {
            assert_eq!(theirs.stdout, ours.stdout, "{caught}");
        }
    }
}
