//! The shipped builtins as a whole: each one's example gives what its documentation says, and none of Nix 2.34 is forgotten.

use piton_tests::inside;
use std::collections::BTreeSet;

/// All attributes of `builtins` in Nix 2.34.8.
const NIX: &str = include_str!("data/builtins.txt");
/// Those that wait for derivations, the store and fetchers.
const LATER: &str = include_str!("data/builtins-later.txt");
/// Variables that need no `builtins.` in Nix 2.34.8.
const GLOBAL: &str = include_str!("data/globals.txt");

#[test]
fn every_example_gives_what_it_says() {
    let mut inside = inside();
    let mut wrong = Vec::new();
    for builtin in inside.evaluator.vm().host.builtins() {
        let (name, example, expected) = (&builtin.name, &builtin.example, &builtin.example_result);
        if example.is_empty() {
            wrong.push(format!("{name}: no example"));
            continue;
        }
        match inside.print(example) {
            Ok(printed) if printed == *expected => {}
            Ok(printed) => wrong.push(format!(
                "{name}: {example}\n  says {expected}\n  is   {printed}"
            )),
            Err(error) => wrong.push(format!(
                "{name}: {example}\n  says {expected}\n  fails: {error}"
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_builtin_is_documented() {
    for builtin in inside().evaluator.vm().host.builtins() {
        assert!(
            !builtin.doc.trim().is_empty(),
            "{} has no documentation",
            builtin.name
        );
        assert!(
            !builtin.since.is_empty(),
            "{} does not say since when",
            builtin.name
        );
        assert!(
            builtin.arguments.iter().all(|name| !name.is_empty()),
            "{} has a nameless argument",
            builtin.name
        );
    }
}

#[test]
fn the_builtins_are_those_of_nix() {
    let mut inside = inside();
    let ours: BTreeSet<String> = names(&mut inside, "builtins");
    let mut nix: BTreeSet<String> = NIX.lines().map(str::to_owned).collect();
    // What Nix has with the features that are enabled here.
    nix.extend(["fetchTree", "outputOf"].map(str::to_owned));
    let later: BTreeSet<String> = LATER.lines().map(str::to_owned).collect();
    let expected: BTreeSet<String> = nix.difference(&later).cloned().collect();
    let missing: Vec<_> = expected.difference(&ours).collect();
    let extra: Vec<_> = ours.difference(&expected).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing: {missing:?}, not in Nix: {extra:?}"
    );
}

#[test]
fn the_global_variables_are_those_of_nix() {
    let mut inside = inside();
    let later: BTreeSet<&str> = LATER.lines().collect();
    for name in GLOBAL
        .lines()
        .filter(|name| !later.contains(name.trim_start_matches("__")))
    {
        let text = format!("builtins.seq (builtins.tryEval {name}) 1");
        if let Err(error) = inside.print(&text) {
            panic!("'{name}' is a variable in Nix: {error}");
        }
    }
    let mut global: BTreeSet<&str> = GLOBAL.lines().collect();
    global.extend(["fetchTree", "__outputOf"]);
    for builtin in names(&mut inside, "builtins") {
        for name in [builtin.clone(), format!("__{builtin}")] {
            let defined = inside.value(&format!("x: {name}")).is_ok();
            assert_eq!(defined, global.contains(&*name), "'{name}' as a variable");
        }
    }
}

fn names(inside: &mut piton_tests::Inside, set: &str) -> BTreeSet<String> {
    let printed = inside.ok(&format!(
        "builtins.concatStringsSep \" \" (builtins.attrNames {set})"
    ));
    printed
        .trim_matches('"')
        .split(' ')
        .map(str::to_owned)
        .collect()
}
