//! A thousand trees and derivations by chance: Piton's store is that of Debian's Nix, path by path and byte by byte, and both
//! say the same of each path. Nix evaluates a batch of them at a time.

use piton_tests::random::{Random, derivations, write_tree};
use piton_tests::stores::Store;
use std::fs;
use std::path::Path;

const BATCHES: u64 = 4;
const TREES: usize = 60;
const DERIVATIONS: usize = 200;

/// Other cases than usual: `PITON_SEED=7 cargo test -p piton-tests --test random_derivations`.
fn seed() -> u64 {
    let seed =
        std::env::var("PITON_SEED").map(|seed| seed.parse().expect("PITON_SEED is a number"));
    seed.unwrap_or(2026)
}

#[test]
fn a_thousand_cases_are_as_in_nix() {
    let seed = seed();
    for batch in 0..BATCHES {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let mut random = Random::new(seed.wrapping_mul(1000).wrapping_add(batch));
        let trees: Vec<String> = (0..TREES)
            .map(|index| {
                write_tree(&mut random, &scratch.path().join(format!("tree{index}")), 0);
                format!("./tree{index}")
            })
            .collect();
        let mut text = derivations(&mut random, DERIVATIONS, &trees);
        text.insert_str(
            0,
            "{ trees = map (tree: \"${tree}\") [ TREES ]; derivations = ",
        );
        let text = text.replace("TREES", &trees.join(" ")) + "; }";
        fs::write(scratch.path().join("default.nix"), &text).expect("a file can be written");
        compare(scratch.path(), &format!("seed {seed}, batch {batch}"));
    }
}

fn compare(folder: &Path, label: &str) {
    let nix = Store::of_nix(folder.join("nix-store"));
    let piton = Store::of_piton(folder.join("piton-store"));
    let expr = format!(
        "let all = import {}/default.nix; in [ all.trees ] ++ map (d: [ d.drvPath ] ++ map (o: o.outPath) d.all) all.derivations",
        folder.display()
    );
    let theirs = nix.json_of(&expr);
    let ours = piton.json_of(&expr);
    if ours != theirs {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (ours.split(',').collect(), theirs.split(',').collect());
        let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        let at = at.unwrap_or(ours.len().min(theirs.len()));
        panic!(
            "{label}: path {at} differs\n  Piton: {:?}\n  Nix:   {:?}\n{}",
            ours.get(at),
            theirs.get(at),
            first(&piton.differences(&nix))
        );
    }
    assert_eq!(first(&piton.differences(&nix)), "", "{label}");
    let (ours, theirs) = (piton.records(), nix.records());
    for (path, record) in &theirs {
        assert_eq!(ours.get(path), Some(record), "{label}: {path}");
    }
    assert_eq!(ours.len(), theirs.len(), "{label}");
    assert!(
        ours.len() > TREES + DERIVATIONS / 2,
        "{label}: only {} paths",
        ours.len()
    );
}

/// Enough of a long text to see what is wrong.
fn first(text: &str) -> String {
    text.chars().take(3000).collect()
}
