//! `--stats`, `--profile` and `--profile-format`: the counts of small programs, profiles that name what the time went to, and that
//! measuring changes nothing else. How long anything takes is nowhere asserted.

use piton_tests::run::{Run, files, piton_run, text};
use piton_tests::{Finished, rust_plugin};
use serde_json::{Deserializer, Value};
use std::path::Path;

/// A program whose counts can be told by reading it.
const COUNTED: &str = r#"let
  # 177 calls for 10.
  fibonacci = n: if n < 2 then n else fibonacci (n - 1) + fibonacci (n - 2);
  # A set and a call for each number that is reached: 51 up to 50.
  from = n: { value = n * n; next = from (n + 1); };
  # Selects "next" 50 times and "value" once: 51 calls.
  walk = n: numbers: if n == 0 then numbers.value else walk (n - 1) numbers.next;
  other = import ./other.nix;
in
[
  (fibonacci 10)
  (walk 50 (from 0))
  (builtins.length (builtins.attrNames other))
  (builtins.getEnv "SOMETHING")
  (builtins.getEnv "ELSE")
  (other // { c = 3; }).c
]
"#;
const OTHER: &str = "{ a = 1; b = 2; }";

/// Splits what a program says on standard error: the statistics, and the rest.
#[track_caller]
fn statistics(err: &str) -> (Value, String) {
    let start = match err.find("\n{\n") {
        _ if err.starts_with("{\n") => 0,
        Some(before) => before + 1,
        None => panic!("no statistics: {err}"),
    };
    let mut values = Deserializer::from_str(&err[start..]).into_iter::<Value>();
    let statistics = values
        .next()
        .expect("there is one")
        .unwrap_or_else(|error| panic!("{error}: {err}"));
    let rest = [&err[..start], &err[start + values.byte_offset()..]].concat();
    (statistics, rest)
}

/// A number in statistics, by the way there.
#[track_caller]
fn number(statistics: &Value, way: &str) -> u64 {
    statistics
        .pointer(way)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {way}: {statistics:#}"))
}

#[test]
fn counts_of_a_known_program() {
    let (_folder, path) = files(&[("default.nix", COUNTED), ("other.nix", OTHER)]);
    for subcommand in [&["eval"][..], &["instantiate", "--eval"]] {
        let finished = piton_run(subcommand)
            .args(["--strict", "--stats"])
            .dir(&path)
            .finish();
        assert_eq!(finished.out(), "[ 55 2500 2 \"\" \"\" 3 ]");
        let (statistics, rest) = statistics(&finished.err());
        assert_eq!(rest, "\n", "nothing else is said");
        let number = |way| number(&statistics, way);
        assert_eq!(number("/calls"), 177 + 51 + 51);
        assert_eq!(number("/files"), 2);
        assert_eq!(number("/sourceBytes") as usize, COUNTED.len() + OTHER.len());
        // Those of "from", that of the other file, what is added to it, and the sum.
        assert_eq!(number("/sets/made"), 51 + 3);
        assert_eq!(number("/sets/updates"), 1);
        assert_eq!(number("/builtins/pure/builtins/length/calls"), 1);
        assert_eq!(number("/builtins/pure/builtins/attrNames/calls"), 1);
        assert_eq!(number("/builtins/impure/builtins/getEnv/calls"), 2);
        // A set that leads on without end is lazy, however a compiler proves what else is needed.
        let (made, forced) = (number("/thunks/made"), number("/thunks/forced"));
        assert!((51..=51 * 5).contains(&made), "{made} thunks");
        assert!((50..=made).contains(&forced), "{forced} of {made} thunks");
        assert!(number("/lookups/selections") >= 51);
        let cached = number("/lookups/cached");
        assert!(cached <= number("/lookups/selections"), "{cached} cached");
    }
}

#[test]
fn counts_are_of_one_evaluation_and_complete() {
    let run = |expr: &str| {
        let finished = piton_run([
            "eval",
            "--strict",
            "--stats",
            "--max-memory",
            "64M",
            "--expr",
            expr,
        ])
        .finish();
        assert_eq!(finished.status, 0, "{}", finished.err());
        statistics(&finished.err()).0
    };
    let nothing = run("1");
    for way in [
        "/calls",
        "/thunks/made",
        "/thunks/forced",
        "/sets/made",
        "/sets/updates",
        "/lookups/selections",
        "/builtins/pure/calls",
        "/builtins/impure/calls",
    ] {
        assert_eq!(number(&nothing, way), 0, "{way}");
    }
    assert_eq!(number(&nothing, "/files"), 1);
    assert_eq!(number(&nothing, "/sourceBytes"), 1);

    // A builtin that is called by a builtin is called, too; and what a builtin calls are calls.
    let through = run(
        "builtins.foldl' (a: b: a + 1) 0 (builtins.deepSeq (map builtins.length (builtins.genList (i: [ i ]) 30)) [ 1 2 ])",
    );
    assert_eq!(number(&through, "/calls"), 30 + 2);
    let pure = "/builtins/pure/builtins";
    assert_eq!(number(&through, &format!("{pure}/length/calls")), 30);
    assert_eq!(number(&through, &format!("{pure}/genList/calls")), 1);
    assert_eq!(number(&through, &format!("{pure}/map/calls")), 1);
    assert_eq!(number(&through, &format!("{pure}/foldl'/calls")), 1);
    assert_eq!(number(&through, "/builtins/pure/calls"), 34);

    // Garbage is counted, and so is collecting it.
    let garbage = run(
        "builtins.foldl' (a: b: builtins.length [ a b { x = b; } ]) 0 (builtins.genList (i: i) 1000000)",
    );
    assert_eq!(number(&garbage, "/sets/made"), 1_000_000);
    assert!(number(&garbage, "/collections/count") > 0, "{garbage:#}");
    let kinds = garbage
        .pointer("/memory/kinds")
        .and_then(Value::as_object)
        .expect("the kinds of objects");
    assert_eq!(number(&garbage, "/memory/kinds/sets/objects"), 1_000_000);
    let of_kinds: u64 = kinds.values().map(|kind| number(kind, "/bytes")).sum();
    assert!(of_kinds <= number(&garbage, "/memory/allocated"));
}

#[test]
fn a_plugin_has_its_own_counts() {
    let hello = rust_plugin("examples/hello", "hello");
    let finished = piton_run(["eval", "--strict", "--stats", "--plugin", text(&hello)])
        .args(["--expr", "map builtins.greet [ \"a\" \"b\" \"c\" ]"])
        .finish();
    let (statistics, _) = statistics(&finished.err());
    assert_eq!(
        number(&statistics, "/builtins/hello/builtins/greet/calls"),
        3
    );
    assert_eq!(number(&statistics, "/builtins/hello/calls"), 3);
    assert_eq!(number(&statistics, "/builtins/pure/calls"), 1);
    assert!(
        statistics
            .pointer("/builtins/hello/time")
            .is_some_and(Value::is_number)
    );
}

#[test]
fn what_is_printed_does_not_change() {
    let (_folder, path) = files(&[("default.nix", COUNTED), ("other.nix", OTHER)]);
    let profile = path.join("profile");
    let derivation = "derivation { name = \"x\"; system = \"s\"; builder = \"/b\"; }";
    let cases: &[&[&str]] = &[
        &["eval"],
        &["eval", "--json"],
        &["eval", "--strict", "--xml"],
        &["eval", "--expr", "{ a = 1; f = x: x; t = 1 + 1; }"],
        &["eval", "--raw", "--expr", "toString [ 1 2 ]"],
        &["eval", "--arg", "n", "2", "--expr", "{ n }: n + 1"],
        &["instantiate", "--eval", "--strict"],
        &["instantiate", "--eval", "--expr", derivation, "-A", "name"],
        &["instantiate", "--expr", derivation],
        // Those fail.
        &["eval", "--expr", "1 + { }"],
        &["eval", "--expr", "let f = n: 1 + f n; in f 1"],
        &["eval", "--strict", "--expr", "[ 1 (throw \"no\") ]"],
        &["eval", "--expr", "builtins.trace \"said\" 1"],
        &["eval", "--expr", "1 +"],
    ];
    for args in cases {
        let plain = piton_run(*args).dir(&path).finish();
        let flags = ["--stats", "--profile", text(&profile)];
        for flags in [&flags[..1], &flags[1..], &flags] {
            let measured = piton_run(*args).args(flags).dir(&path).finish();
            assert_eq!(measured.status, plain.status, "{args:?} {flags:?}");
            assert_eq!(measured.out(), plain.out(), "{args:?} {flags:?}");
            let err = match flags.contains(&"--stats") {
                true => statistics(&measured.err()).1.replacen("\n", "", 1),
                false => measured.err(),
            };
            assert_eq!(err, plain.err(), "{args:?} {flags:?}");
        }
    }
}

/// A program that is busy in `spin` for so long that it is sampled there, and as long in a builtin.
const BUSY: &str = r#"let
  spin = n: if n == 0 then 0 else 1 + spin (n - 1);
  set."odd;name" = list: builtins.foldl' (sum: i: sum + spin 100) 0 list;
in
set."odd;name" (builtins.genList (i: i) 20000)
  + builtins.length (builtins.sort (a: b: a > b) (builtins.genList (i: i) 200000))
"#;

/// What a profile says, as stacks with weights.
type Stacks = Vec<(Vec<String>, u64)>;

#[track_caller]
fn collapsed(profile: &Path) -> Stacks {
    let text = std::fs::read_to_string(profile).expect("the profile is there");
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line ends"
    );
    text.lines()
        .map(|line| {
            let (stack, weight) = line.rsplit_once(' ').expect("a stack and a number");
            let weight = weight.parse().unwrap_or_else(|_| panic!("{line}"));
            let stack: Vec<String> = stack.split(';').map(str::to_owned).collect();
            assert!(stack.iter().all(|frame| !frame.is_empty()), "{line}");
            (stack, weight)
        })
        .collect()
}

#[track_caller]
fn speedscope(profile: &Path) -> Stacks {
    let text = std::fs::read(profile).expect("the profile is there");
    let file: Value = serde_json::from_slice(&text).expect("it is JSON");
    assert_eq!(
        file["$schema"],
        "https://www.speedscope.app/file-format-schema.json"
    );
    let frames: Vec<&str> = file["shared"]["frames"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| frame["name"].as_str().expect("a frame has a name"))
        .collect();
    let mut names = frames.clone();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), frames.len(), "each frame is there once");
    let [profile] = &file["profiles"].as_array().expect("profiles")[..] else {
        panic!("there is one profile");
    };
    assert_eq!(profile["type"], "sampled");
    assert_eq!(profile["unit"], "microseconds");
    let samples = profile["samples"].as_array().expect("samples");
    let weights: Vec<u64> = profile["weights"]
        .as_array()
        .expect("weights")
        .iter()
        .map(|weight| weight.as_u64().expect("a weight is a number"))
        .collect();
    assert_eq!(samples.len(), weights.len(), "a weight for each sample");
    assert_eq!(profile["startValue"], 0);
    assert_eq!(profile["endValue"], weights.iter().sum::<u64>());
    let mut used = vec![false; frames.len()];
    let stacks = samples
        .iter()
        .zip(&weights)
        .map(|(sample, weight)| {
            let stack = sample.as_array().expect("a sample is a stack").iter();
            let stack = stack.map(|frame| {
                let frame = frame.as_u64().expect("frames are told by number") as usize;
                used[frame] = true;
                frames[frame].to_owned()
            });
            (stack.collect(), *weight)
        })
        .collect();
    assert!(used.iter().all(|used| *used), "no frame without a sample");
    stacks
}

/// Runs the busy program; answers its profile.
#[track_caller]
fn profile(flags: &[&str], read: fn(&Path) -> Stacks) -> Stacks {
    let (stacks, out) = profile_of(BUSY, flags, read);
    assert_eq!(out, "2200000");
    stacks
}

/// Runs a program; answers its profile, and what it evaluates to.
#[track_caller]
fn profile_of(program: &str, flags: &[&str], read: fn(&Path) -> Stacks) -> (Stacks, String) {
    let (_folder, path) = files(&[("busy.nix", program)]);
    let profile = path.join("profile");
    let finished = piton_run(["eval", "busy.nix", "--profile", text(&profile)])
        .args(flags)
        .dir(&path)
        .finish();
    (read(&profile), finished.success())
}

/// How much of the time of a profile went to stacks that end in `name`.
fn time_in(stacks: &Stacks, name: &str) -> u64 {
    stacks
        .iter()
        .filter(|(stack, _)| stack.last().is_some_and(|frame| frame.starts_with(name)))
        .map(|(_, weight)| weight)
        .sum()
}

/// The profile of the busy program tells what it was busy with.
#[track_caller]
fn check_busy(stacks: &Stacks, odd_name: &str) {
    assert!(time_in(stacks, "spin (") > 0, "no time in spin: {stacks:?}");
    let (deepest, _) = stacks
        .iter()
        .filter(|(stack, _)| {
            stack
                .last()
                .is_some_and(|frame| frame.starts_with("spin ("))
        })
        .max_by_key(|(stack, _)| stack.len())
        .expect("there is one");
    assert!(deepest[0].starts_with("file "), "{deepest:?}");
    assert!(deepest[0].ends_with("/busy.nix"), "{deepest:?}");
    // Where it is defined.
    assert!(
        deepest
            .iter()
            .any(|frame| frame.starts_with("spin (") && frame.ends_with("/busy.nix:2:10)")),
        "{deepest:?}"
    );
    let frames = || stacks.iter().flat_map(|(stack, _)| stack);
    assert!(
        frames().any(|frame| frame == "builtins.foldl'"),
        "{stacks:?}"
    );
    assert!(frames().any(|frame| frame == "builtins.sort"), "{stacks:?}");
    assert!(
        frames().any(|frame| frame.starts_with(&format!("{odd_name} ("))),
        "{stacks:?}"
    );
    assert!(stacks.iter().all(|(_, weight)| *weight > 0));
}

#[test]
fn a_profile_names_what_was_busy() {
    // What separates frames is no part of one.
    check_busy(&profile(&[], collapsed), "odd_name");
    check_busy(
        &profile(&["--profile-format", "collapsed"], collapsed),
        "odd_name",
    );
    check_busy(
        &profile(&["--profile-format", "speedscope"], speedscope),
        "odd;name",
    );
}

/// What a builtin has the host do for it step by step, here all of a derivation and a comparison, is the builtin's time and the
/// function's, not that of what comes next.
#[test]
fn steps_are_of_who_asked_for_them() {
    let program = r#"
      let
        double = n: s: if n == 0 then s else double (n - 1) (s + s);
        large = derivation { name = "x"; system = "s"; builder = "b"; text = double 18 "0123456789abcdef"; };
        long = builtins.genList (i: [ i ]) 300000;
        compare = a: b: a == b;
        spin = n: if n == 0 then 0 else spin (n - 1);
      in [ (builtins.stringLength large.drvPath) (spin 1000) (compare long (long ++ [ ])) (spin 1000) ]
    "#;
    let (stacks, out) = profile_of(program, &["--strict"], collapsed);
    assert_eq!(out, "[ 49 0 true 0 ]");
    for name in ["builtins.derivationStrict", "compare ("] {
        assert!(time_in(&stacks, name) > 0, "no time in {name}: {stacks:?}");
    }
}

#[test]
fn a_program_that_fails_still_tells() {
    let (_folder, path) = files(&[("default.nix", "")]);
    let file = path.join("profile");
    let busy = "let spin = n: if n == 0 then 0 else 1 + spin (n - 1); in builtins.seq (builtins.foldl' (sum: i: sum + spin 100) 0 (builtins.genList (i: i) 20000))";
    for (end, message) in [
        ("(throw \"at the end\")", "at the end"),
        ("(let f = n: 1 + f n; in f 1)", "max-call-depth"),
        ("(import ./missing.nix)", "missing.nix"),
    ] {
        for subcommand in [&["eval"][..], &["instantiate", "--eval"]] {
            let err = piton_run(subcommand)
                .args(["--stats", "--profile", text(&file), "--expr"])
                .arg(format!("{busy} {end}"))
                .dir(&path)
                .finish()
                .failure();
            let (statistics, rest) = statistics(&err);
            assert!(rest.contains(message), "{rest}");
            assert!(number(&statistics, "/calls") >= 20_000 * 101);
            let stacks = collapsed(&file);
            assert!(
                stacks
                    .iter()
                    .flat_map(|(stack, _)| stack)
                    .any(|frame| frame.starts_with("spin (")),
                "{stacks:?}"
            );
            std::fs::remove_file(&file).expect("it was written");
        }
    }
}

/// What a run says that cannot write its profile, and that it has failed.
#[track_caller]
fn unwritable(run: Run, name: &str) -> Finished {
    let finished = run.finish();
    assert_eq!(finished.status, 1, "{}", finished.err());
    let message = format!("error: cannot write the profile '{name}': ");
    assert!(finished.err().contains(&message), "{}", finished.err());
    finished
}

#[test]
fn a_profile_that_cannot_be_written_is_an_error() {
    let (_folder, path) = files(&[("default.nix", "1"), ("folder/x", "")]);
    for subcommand in [&["eval"][..], &["instantiate", "--eval"]] {
        for name in ["no-such-folder/profile", "folder"] {
            let run = piton_run(subcommand).args(["--profile", name]).dir(&path);
            // That is known before anything is evaluated.
            assert_eq!(unwritable(run, name).out(), "");
        }
    }
    let run = piton_run(["eval", "--profile", "profile", "--profile-format", "text"]).dir(&path);
    let err = run.finish().failure();
    assert!(
        err.contains("collapsed") && err.contains("speedscope"),
        "{err}"
    );
    // Linux has a file that can be opened and is always full: this turns out at the end alone.
    if cfg!(target_os = "linux") {
        let busy = "let spin = n: if n == 0 then 0 else 1 + spin (n - 1); in builtins.foldl' (sum: i: sum + spin 100) 0 (builtins.genList (i: i) 20000)";
        for format in ["collapsed", "speedscope"] {
            let run = piton_run(["eval", "--profile", "/dev/full", "--profile-format", format])
                .args(["--expr", busy]);
            assert_eq!(unwritable(run, "/dev/full").out(), "2000000");
        }
    }
}
