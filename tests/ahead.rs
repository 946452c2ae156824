//! Files compiled and derivations hashed ahead on other threads: nothing that is evaluated, told or reported depends on it.

use piton_tests::cases::{in_parallel, no_complaints, without_arguments};
use piton_tests::inside::{Inside, inside};
use piton_tests::run::{files, piton_run, text};
use std::fmt::Write;
use std::fs::write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What a file evaluates to or the report of its error, with its messages; and the evaluator.
fn outcome(file: &Path, threads: usize) -> (String, Inside) {
    let mut inside = inside();
    inside.compile_ahead(threads);
    let said = inside.outcome(file);
    let messages = inside.messages();
    (format!("{said}\n{messages:?}"), inside)
}

#[test]
fn language_cases_do_not_depend_on_threads() {
    let cases = without_arguments();
    // Whether the threads get so far depends on what else the machine does: cases are tried again until enough have been compiled ahead.
    let mut left: Vec<_> = cases.iter().collect();
    for _ in 0..5 {
        let late = Mutex::new(Vec::new());
        let complaints = in_parallel(&left, |case| {
            // While it counts, its case is compiled.
            let (_folder, root) = files(&[(
                "wrapper.nix",
                format!(
                    "builtins.seq (builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: i) 20000)) (import {})",
                    case.file("nix").display()
                )
                .as_bytes(),
            )]);
            let wrapper = root.join("wrapper.nix");
            let (alone, without) = outcome(&wrapper, 0);
            let (together, with) = outcome(&wrapper, 2);
            if with.evaluator.compiled_ahead() == 0 {
                late.lock().expect("no panic").push(*case);
            }
            if without.evaluator.compiled_ahead() != 0 {
                return Err(format!("{}: compiled ahead without threads", case.name));
            }
            if alone != together {
                return Err(format!(
                    "{}: alone\n{alone}\ntogether\n{together}",
                    case.name
                ));
            }
            Ok(())
        });
        no_complaints(&complaints);
        left = late.into_inner().expect("no panic");
        if cases.len() - left.len() > cases.len() / 4 {
            return;
        }
    }
    panic!(
        "of {} {} were never compiled ahead",
        cases.len(),
        left.len()
    );
}

/// A tree of files that import each other in every way.
fn forest(root: &Path) {
    let mut all = String::from("let file = n: import (./. + \"/f${toString n}.nix\"); in [\n");
    for number in 0..60 {
        // Twice the same file, by its name and through a link; a folder; a file that is computed.
        let program = format!(
            "# {number}\n{{ n }}: let next = [ ./f{}.nix ./l{}.nix ./d{} ]; in if n == 0 then {number} else \
             builtins.foldl' (sum: file: sum + import file {{ n = n - 1; }}) {number} next\n",
            (number * 7 + 1) % 60,
            (number * 11 + 3) % 60,
            (number * 13 + 5) % 60,
        );
        write(root.join(format!("f{number}.nix")), program).expect("a file can be written");
        symlink(
            format!("f{number}.nix"),
            root.join(format!("l{number}.nix")),
        )
        .expect("a link can be made");
        let folder = root.join(format!("d{number}"));
        std::fs::create_dir(&folder).expect("a folder can be made");
        write(
            folder.join("default.nix"),
            format!("args: import ../f{}.nix args\n", (number + 1) % 60),
        )
        .expect("a file can be written");
        writeln!(
            all,
            "  (import ./f{number}.nix {{ n = 3; }}) (file {number} {{ n = 2; }})"
        )
        .expect("a string grows");
    }
    all.push(']');
    write(root.join("default.nix"), all).expect("a file can be written");
}

#[test]
fn a_tree_of_files_is_the_same_with_any_number_of_threads() {
    let (_folder, root) = files::<[u8]>(&[]);
    forest(&root);
    let run = |threads: &str| {
        piton_run(["eval", "--strict", "--no-cache", "--threads", threads])
            .arg(&root)
            .finish()
            .success()
    };
    let alone = run("1");
    assert!(alone.len() > 200, "it evaluates to something: {alone}");
    for threads in ["2", "3", "8"] {
        assert_eq!(run(threads), alone, "{threads} threads");
    }
}

/// Derivations of which each needs three before it, and as many that nobody needs.
const DERIVATIONS: &str = r#"
let
  make = name: needs: derivation { inherit name needs; system = "s"; builder = "b"; outputs = [ "out" "dev" ]; };
  chain = builtins.genList (i: make "c${toString i}" (if i < 3 then [ ] else map (back: builtins.elemAt chain (i - back)) [ 1 2 3 ])) 160;
  leaves = builtins.genList (i: make "l${toString i}" [ (builtins.elemAt chain i) ]) 160;
in builtins.hashString "sha256" (builtins.concatStringsSep "\n" (map (d: builtins.unsafeDiscardStringContext "${d.drvPath} ${d.dev}") (leaves ++ chain)))
"#;

#[test]
fn derivations_are_the_same_with_any_number_of_threads() {
    let (_folder, root) = files(&[("default.nix", DERIVATIONS)]);
    let file = root.join("default.nix");
    let (alone, _) = outcome(&file, 0);
    for threads in 1..4 {
        let (together, inside) = outcome(&file, threads);
        assert_eq!(together, alone, "{threads} more threads");
        // Nobody needs half of them, so all of these are left for the threads, however fast the evaluator was.
        let begun = Instant::now();
        while inside.evaluator.hashed_ahead() < 140 {
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody hashes");
            std::thread::yield_now();
        }
    }
}

#[test]
fn errors_and_warnings_are_told_when_a_file_is_imported() {
    let (_folder, root) = files(&[
        // Never imported: what is wrong with them is nobody's business.
        ("broken.nix", "let in in in"),
        ("undefined.nix", "undefinedHere"),
        ("folder/other.txt", "not a program"),
        ("lint.nix", "{ x = https://example.org/a; }"),
        (
            "quiet.nix",
            "{ a = ./broken.nix; b = ./undefined.nix; c = ./folder; d = ./missing.nix; e = ./lint.nix; f = 1; }",
        ),
        (
            "fails.nix",
            "[ 1 (import ./quiet.nix).f (import ./broken.nix) ]",
        ),
        (
            "imports-itself.nix",
            "{ n ? 3 }: if n == 0 then 0 else 1 + import ./imports-itself.nix { n = n - 1; }",
        ),
        ("cycle.nix", "import ./cycle.nix"),
    ]);
    for file in [
        "quiet.nix",
        "fails.nix",
        "undefined.nix",
        "imports-itself.nix",
        "cycle.nix",
        "lint.nix",
    ] {
        let run = |threads: &str| {
            let finished = piton_run(["eval", "--strict", "--no-cache", "--show-trace"])
                .args(["--threads", threads])
                .arg(root.join(file))
                .finish();
            (finished.status, finished.out(), finished.err())
        };
        assert_eq!(run("1"), run("4"), "{file}");
    }
}

#[test]
fn a_pipe_among_the_paths_stops_nobody() {
    let (_folder, root) = files(&[
        ("default.nix", "{ a = ./pipe.nix; b = import ./b.nix; }"),
        ("b.nix", "2"),
    ]);
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("pipe.nix"))
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    let said = piton_run(["eval", "--no-cache", "--threads", "2", "-A", "b"])
        .arg(&root)
        .finish()
        .success();
    assert_eq!(said.trim(), "2");
}

#[test]
fn a_number_of_threads_is_one_that_makes_sense() {
    for wrong in ["0", "-1", "65", "many"] {
        let said = piton_run(["eval", &format!("--threads={wrong}"), "--expr", "1"])
            .finish()
            .failure();
        assert!(said.contains("a number from 1 to 64 is expected"), "{said}");
    }
    let (_folder, root) = files(&[("default.nix", "1")]);
    let said = piton_run(["eval", "--threads", "64", text(&root)])
        .finish()
        .success();
    assert_eq!(said.trim(), "1");
}
