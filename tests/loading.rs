//! Loading plugins: what must be refused, with the reason that the user is told, and what must not.

use piton_core::host::LoadPolicy;
use piton_tests::built::{altered_plugin, too_big_plugin};
use piton_tests::cases::{in_parallel, no_complaints};
use piton_tests::inside::Inside;
use piton_tests::run::{eval, eval_fails, piton_run, text};
use piton_tests::{c_plugin, inside, rust_plugin, shipped_plugin, test_plugin};
use std::path::Path;

/// The reason that a plugin is refused for, on the command line.
fn refused(file: &Path) -> String {
    let err = eval_fails(&["--plugin", text(file)], "1");
    assert!(
        err.contains(text(file)),
        "the message does not name the file: {err}"
    );
    err
}

/// A plugin in C that must be refused: its source below `tests/plugins/c`, what is defined, and a part of the reason.
const REFUSED: &[(&str, &[&str], &str)] = &[
    ("wrong_magic", &[], "magic"),
    ("wrong_major", &[], "ABI"),
    ("wrong_major", &["HONEST"], "ABI 2.0"),
    ("newer_minor", &[], "1.99"),
    ("newer_minor", &["HONEST"], "1.99"),
    ("wrong_size", &[], "bytes, this version of Piton has"),
    ("no_manifest", &[], "no Piton manifest"),
    ("bad_manifest", &[], "not valid JSON"),
    ("manifest_differs", &[], "probe"),
    ("no_entry", &[], "piton_plugin_v1_no_entry"),
    ("null_entry", &[], ""),
    ("null_name", &[], "name"),
    ("no_resume", &[], "resume"),
    ("bad_frame", &[], "65552 bytes"),
    ("bad_frame", &["ALIGN"], "aligned to 64"),
    ("bad_mode", &[], "the types 0x400"),
    ("duplicate_within", &[], "'probe' twice"),
];

#[test]
fn a_plugin_in_c_that_does_not_fit_is_refused_with_the_reason() {
    let complaints = in_parallel(REFUSED, |(name, defines, reason)| {
        let file = c_plugin(&format!("tests/plugins/c/{name}.c"), defines);
        let ended = piton_run(["eval", "--plugin", text(&file), "--expr", "1"]).try_finish()?;
        let err = ended.err();
        let well = ended.status == 1 && err.contains(text(&file)) && err.contains(reason);
        if well {
            Ok(())
        } else {
            Err(format!(
                "{name} {defines:?}: status {}, {err}",
                ended.status
            ))
        }
    });
    no_complaints(&complaints);
}

#[test]
fn a_plugin_that_fits_loads() {
    let valid = c_plugin("tests/plugins/c/valid.c", &[]);
    assert_eq!(
        eval(&["--plugin", text(&valid)], "builtins.probe [ 1 ]"),
        "[ 1 ]"
    );
    assert_eq!(eval(&["--plugin", text(&valid)], "__probe 2"), "2");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let folder = folder.path();
    let missing = folder.join("missing.so");
    assert!(refused(&missing).contains("No such file"), "a missing file");
    let text_file = folder.join("text.so");
    std::fs::write(&text_file, "not a library\n").expect("a file can be written");
    assert!(
        refused(&text_file).contains("not a shared library"),
        "a text"
    );
    let empty = folder.join("empty.so");
    std::fs::write(&empty, "").expect("a file can be written");
    assert!(
        refused(&empty).contains("not a shared library"),
        "an empty file"
    );
    refused(folder);
    // The test itself is an executable of this system, and not a plugin.
    refused(&std::env::current_exe().expect("the test knows its own file"));
}

#[test]
fn a_truncated_plugin_is_refused_wherever_it_is_cut() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let valid = c_plugin("tests/plugins/c/valid.c", &[]);
    let rust = rust_plugin("examples/hello", "hello");
    for file in [valid, rust] {
        let whole = std::fs::read(&file).expect("a library can be read");
        for percent in [0, 1, 10, 30, 50, 70, 90, 99] {
            let cut = folder.path().join(format!("cut-{percent}.so"));
            let bytes = &whole[..whole.len() * percent / 100];
            std::fs::write(&cut, bytes).expect("a file can be written");
            refused(&cut);
        }
    }
}

#[test]
fn a_rust_plugin_built_for_other_types_is_refused() {
    // One field of an argument's descriptor has another name: every size is the same, the layout is not.
    let file = altered_plugin(&[
        ("abi.rs", "pub reserved: u32", "pub unused: u32"),
        ("declare.rs", "reserved: 0", "unused: 0"),
    ]);
    let err = refused(&file);
    assert!(err.contains("laid out differently"), "{err}");
    assert!(
        err.contains("reserved"),
        "it does not say what differs: {err}"
    );
    assert!(err.lines().count() < 25, "it says too much: {err}");
}

#[test]
fn a_frame_larger_than_the_host_reserves_is_refused() {
    let err = refused(&too_big_plugin());
    assert!(err.contains("bigFrame") && err.contains("65536"), "{err}");
}

#[test]
fn two_plugins_with_one_name() {
    let valid = c_plugin("tests/plugins/c/valid.c", &[]);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let copy = folder.path().join("another_file.so");
    std::fs::copy(&valid, &copy).expect("a file can be copied");
    let err = eval_fails(&["--plugin", text(&valid), "--plugin", text(&copy)], "1");
    assert!(
        err.contains(text(&copy)) && err.contains("'valid'"),
        "{err}"
    );
    // Allowing overrides is about builtins.
    eval_fails(
        &[
            "--plugin-override",
            "--plugin",
            text(&valid),
            "--plugin",
            text(&copy),
        ],
        "1",
    );
}

#[test]
fn one_builtin_in_two_plugins() {
    let duplicate = c_plugin("tests/plugins/c/duplicate.c", &[]);
    let err = refused(&duplicate);
    for part in ["'map'", "'pure'", "'duplicate'", "--plugin-override"] {
        assert!(err.contains(part), "{part} is not in {err}");
    }
    let overridden = eval(
        &["--plugin-override", "--plugin", text(&duplicate)],
        "builtins.map 1",
    );
    assert_eq!(overridden, "1", "the later one takes its place");
}

#[test]
fn refused_plugins_leave_nothing_behind() {
    let mut inside = inside();
    let before = inside.evaluator.vm().host.builtins().len();
    for (name, defines, _) in REFUSED {
        let file = c_plugin(&format!("tests/plugins/c/{name}.c"), defines);
        inside.load(&file).expect_err(name);
    }
    assert_eq!(inside.evaluator.vm().host.builtins().len(), before);
    assert_eq!(inside.evaluator.vm().host.plugins().len(), 2);
    assert_eq!(inside.ok("builtins ? probe"), "false");
    assert_eq!(inside.ok("map (x: x + 1) [ 1 ]"), "[ 2 ]");
}

#[test]
fn policies() {
    let file = test_plugin();
    let load = |policy: &LoadPolicy| {
        Inside::bare(piton_core::eval::Options::default()).load_with(&file, policy)
    };
    let none_allowed = LoadPolicy {
        allowed: Some(vec!["00".repeat(32)]),
        ..LoadPolicy::default()
    };
    assert!(
        load(&none_allowed)
            .expect_err("its hash is not allowed")
            .contains("SHA-256")
    );
    let mut hashing = inside();
    let text = format!("builtins.hashFile \"sha256\" {}", file.display());
    let hash = hashing.ok(&text).trim_matches('"').to_owned();
    load(&LoadPolicy {
        allowed: Some(vec![hash]),
        ..LoadPolicy::default()
    })
    .expect("its hash is allowed");
    let pure_only = LoadPolicy {
        only_capabilities: Some(0),
        ..LoadPolicy::default()
    };
    let err = load(&pure_only).expect_err("it has a builtin that needs the clock");
    assert!(
        err.contains("'hasClock'") && err.contains("'clock'"),
        "{err}"
    );
}

#[test]
fn the_shipped_sets_are_those_of_this_build() {
    let build = |build_id| LoadPolicy {
        shipped: Some(piton_core::host::ShippedBuild {
            name: "pure",
            build_id,
        }),
        ..LoadPolicy::default()
    };
    let mut bare = Inside::bare(piton_core::eval::Options::default());
    let err = bare
        .load_with(&shipped_plugin("pure"), &build("another"))
        .expect_err("another build's");
    assert!(err.contains("another build"), "{err}");
    let err = bare
        .load_with(&test_plugin(), &build(""))
        .expect_err("not a shipped set");
    assert!(err.contains("abi_test"), "{err}");
}

#[test]
fn an_evaluator_without_plugins_has_no_builtins() {
    let mut bare = Inside::bare(piton_core::eval::Options::default());
    assert_eq!(bare.ok("builtins"), "{ builtins = «repeated»; }");
    assert_eq!(
        bare.ok("let f = x: x * 2; in [ (f 21) (1 < 2) (-1) \"${\"a\"}\" ]"),
        "[ 42 true -1 \"a\" ]"
    );
    assert_eq!(bare.fails("map"), "undefined variable 'map'");
}
