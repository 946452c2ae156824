//! Compiled files that are kept: what they evaluate to does not depend on when they were compiled, and a cache that is damaged or
//! written by several at once does no harm.

use piton_core::code_cache::{CodeCache, Key};
use piton_tests::cases::{in_parallel, no_complaints, without_arguments};
use piton_tests::inside::inside;
use piton_tests::run::piton_run;
use piton_tests::source_dir;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A cache in memory that takes every file.
#[derive(Default)]
struct Memory {
    entries: Mutex<HashMap<Key, Vec<u8>>>,
    hits: AtomicUsize,
}

impl CodeCache for Memory {
    fn least(&self) -> usize {
        0
    }

    fn load(&self, key: &Key) -> Option<Vec<u8>> {
        let found = self.entries.lock().expect("not poisoned").get(key).cloned();
        self.hits
            .fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
        found
    }

    fn store(&self, key: &Key, bytes: &[u8]) {
        let mut entries = self.entries.lock().expect("not poisoned");
        entries.insert(*key, bytes.to_vec());
    }
}

/// The words of a text, which its names are among.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && !"_'-".contains(c))
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn kept_code_is_the_same_whatever_names_were_known_before() {
    let cases = without_arguments();
    let complaints = in_parallel(&cases, |case| {
        let file = case.file("nix");
        let cache = Arc::new(Memory::default());
        let mut first = inside();
        first.evaluator.use_cache(cache.clone());
        let compiled = first.outcome(&file);
        let kept = cache.entries.lock().expect("not poisoned").len();
        // Nothing tells whether a file has been compiled now or before.
        let mut again = inside();
        again.evaluator.use_cache(cache.clone());
        let found = again.outcome(&file);
        if found != compiled {
            return Err(format!(
                "{}: compiled\n{compiled}\nkept\n{found}",
                case.name
            ));
        }
        // Here all names have other numbers, in another order.
        let mut second = inside();
        second.evaluator.use_cache(cache.clone());
        let text =
            String::from_utf8_lossy(&std::fs::read(&file).expect("it was there")).into_owned();
        for word in words(&text).into_iter().rev() {
            second.evaluator.vm_mut().interner.intern(word.as_bytes());
        }
        let found = second.outcome(&file);
        if kept > 0 && cache.hits.load(Ordering::Relaxed) == 0 {
            return Err(format!("{}: it was compiled again", case.name));
        }
        // Which of several missing names is told, and which members are compared or evaluated first, depends on which name came first, in
        // Nix, too.
        let by_name = [
            "comparison/lazy-equality",
            "recursion/order-of-deep-evaluation",
            "attributes/order-of-formals",
            "attributes/order-of-parameter-names",
        ];
        let depends =
            compiled.contains("without required argument") || by_name.contains(&&case.name[..]);
        if found != compiled && !depends {
            return Err(format!(
                "{}: compiled\n{compiled}\nkept\n{found}",
                case.name
            ));
        }
        Ok(())
    });
    no_complaints(&complaints);
    assert!(cases.len() > 100, "there are cases");
}

/// A program that is large enough to be kept.
const PROGRAM: &str = "examples/tour.nix";

fn tour(cache: &Path, args: &[&str]) -> String {
    let finished = piton_run(["eval", "--strict"])
        .args(args)
        .arg(source_dir(PROGRAM))
        .env("PITON_CACHE_HOME", cache)
        .finish();
    assert_eq!(finished.status, 0, "{}", finished.err());
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

/// The entries below a folder of the cache.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn damaged_entries_are_ignored_and_replaced() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let expected = tour(cache.path(), &["--no-cache"]);
    assert!(entries(cache.path()).is_empty(), "--no-cache keeps nothing");
    assert_eq!(tour(cache.path(), &[]), expected);
    let kept = entries(cache.path());
    assert!(!kept.is_empty(), "something is kept");
    let contents: Vec<_> = kept
        .iter()
        .map(|entry| std::fs::read(entry).expect("an entry can be read"))
        .collect();
    for (entry, bytes) in kept.iter().zip(&contents) {
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        std::fs::write(entry, damaged).expect("an entry can be damaged");
    }
    assert_eq!(tour(cache.path(), &[]), expected);
    for (entry, bytes) in kept.iter().zip(&contents) {
        let now = std::fs::read(entry).expect("an entry can be read");
        assert!(now == *bytes, "{} is whole again", entry.display());
        std::fs::write(entry, &bytes[..bytes.len() / 3]).expect("an entry can be cut");
    }
    assert_eq!(tour(cache.path(), &[]), expected);
}

#[test]
fn several_at_once_share_a_cache() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let expected = tour(cache.path(), &["--no-cache"]);
    let complaints = in_parallel(&[(); 16], |()| {
        let said = tour(cache.path(), &[]);
        if said == expected { Ok(()) } else { Err(said) }
    });
    no_complaints(&complaints);
    let drafts = entries(cache.path())
        .into_iter()
        .filter(|entry| entry.to_string_lossy().contains("draft"))
        .count();
    assert_eq!(drafts, 0, "all that was begun is finished");
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let cache = tempfile::NamedTempFile::new().expect("a temporary file");
    let expected = tour(cache.path(), &["--no-cache"]);
    assert_eq!(tour(cache.path(), &[]), expected);
}
