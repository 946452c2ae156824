//! Git repositories that are fetched, and what cannot be. Store paths and hashes are those that Nix 2.34.8 computes.

use piton_tests::fetching::Place;
use piton_tests::repository::{GIT_ENVIRONMENT, Repository};
use piton_tests::run::text;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A repository with a branch, a tag and another repository within. Its commits are the same on every machine.
fn repository(place: &Place) -> Repository {
    let inner = Repository::new(place.folder.path().join("inner"));
    inner.write("s", "sub\n");
    inner.commit();
    let outer = Repository::new(place.folder.path().join("outer"));
    outer.write("a", "a\n");
    outer.write(".gitattributes", "secret export-ignore\n");
    outer.write("secret", "s\n");
    outer.write("d/x", "#!/bin/sh\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(outer.path.join("d/x"), executable).expect("a file");
    symlink("a", outer.path.join("l")).expect("a link");
    outer.commit();
    outer.git(&["branch", "other"]);
    outer.write("b", "b\n");
    outer.commit();
    outer.git(&["submodule", "--quiet", "add", "../inner", "m"]);
    assert_eq!(outer.commit(), LAST);
    outer.git(&["tag", "v1"]);
    outer
}

const FIRST: &str = "10a0fcfa3a0a17ac34f04713e12cea44e7abfc00";
const SECOND: &str = "7e565c23250d07ec7419bec7fdd8468720a93695";
const LAST: &str = "97cb2f1093eafbad4e11f79d542bbb7428c40699";

/// What is known of a commit, as the set that `fetchGit` answers.
fn known(hash: &str, path: &str, rev: &str, count: Option<u32>, submodules: bool) -> String {
    let count = count.map_or(String::new(), |count| format!("revCount = {count}; "));
    format!(
        "{{ lastModified = 1600000100; lastModifiedDate = \"20200913122820\"; narHash = \"sha256-{hash}\"; \
         outPath = \"/nix/store/{path}\"; rev = \"{rev}\"; {count}shortRev = \"{}\"; submodules = {submodules}; }}",
        &rev[..7]
    )
}

#[test]
fn commits() {
    let place = Place::new();
    let outer = repository(&place);
    let bare = place.folder.path().join("bare.git");
    outer.git(&["clone", "--quiet", "--bare", ".", text(&bare)]);
    let (path, bare) = (outer.text(), text(&bare));
    let last = known(
        "ZvVb67q3NkaHFoXhwXBAU7iGoIPNboTARTXYK3YDNnA=",
        "1z0cgaz3pv4j22yhzxlzsfw3rfnzck98-source",
        LAST,
        Some(3),
        false,
    );
    let named = last.replace(
        "1z0cgaz3pv4j22yhzxlzsfw3rfnzck98-source",
        "09y48031g3fg7h5181ph39x36gc7nw2p-named",
    );
    let other = known(
        "hhLJIUR7/0FHMHQIz0ZswnehdLTb9xEc66HA2/Xo8Uw=",
        "vjbk6qngxxkc0yailzvlp66qa2bkf4s7-source",
        FIRST,
        Some(1),
        false,
    );
    let second = known(
        "CU8SSjtw7EsdqFHGL/mC1GtIes3veGOnOtknK4WBN0g=",
        "cbsiwdk7wp7qwnlq1dj55zhb0b4dbxd2-source",
        SECOND,
        Some(2),
        false,
    );
    let whole = known(
        "3m0yhsYbQSg5IrnttJWxgwsCKBWqTAXZd1sF7yvBHlY=",
        "i3jqfvjb52n1zpa819idzlg5fpkmj2r0-source",
        LAST,
        Some(3),
        false,
    );
    let tree = known(
        "CF2SvR+nK+oGFda8l7ogHj1T2bg1t909nwFGaZsTQ0E=",
        "dnpairfgld8mkds6y4pyiga12pyr4aj6-source",
        FIRST,
        None,
        false,
    );
    let with_inner = known(
        "kBKL9FAa04GiVC+m36CXgfCiUxOgbZIVuUnvOih4EXc=",
        "gmc49iskcnbxqqfja29l94976nr5zwii-source",
        LAST,
        Some(3),
        true,
    );
    for (expr, expected) in [
        (format!("builtins.fetchGit \"file://{bare}\""), &last),
        (
            format!("builtins.fetchGit {{ url = {path}; ref = \"other\"; }}"),
            &other,
        ),
        (
            format!("builtins.fetchGit {{ url = \"{bare}\"; ref = \"other\"; }}"),
            &other,
        ),
        (
            format!(
                "builtins.fetchGit {{ url = \"{path}\"; ref = \"refs/tags/v1\"; name = \"named\"; }}"
            ),
            &named,
        ),
        (
            format!("builtins.fetchGit {{ url = \"{bare}\"; rev = \"{SECOND}\"; }}"),
            &second,
        ),
        (
            format!(
                "builtins.fetchGit {{ url = \"{bare}\"; rev = \"{SECOND}\"; allRefs = true; }}"
            ),
            &second,
        ),
        (
            format!(
                "builtins.fetchTree {{ type = \"git\"; url = \"{path}\"; rev = \"{FIRST}\"; }}"
            ),
            &tree,
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; exportIgnore = false; }}"),
            &whole,
        ),
        // The working tree as it is, and the commit fetched from elsewhere.
        (
            format!("builtins.fetchGit {{ url = {path}; submodules = true; }}"),
            &with_inner,
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; ref = \"v1\"; submodules = true; }}"),
            &with_inner,
        ),
    ] {
        assert_eq!(place.eval(&expr), *expected, "{expr}");
    }
    // A commit that is known by now, with its repository gone; also in pure evaluation.
    let locked = format!("builtins.fetchGit {{ url = \"{bare}\"; rev = \"{SECOND}\"; }}");
    fs::rename(bare, format!("{bare}.gone")).expect("a folder can be renamed");
    fs::create_dir(bare).expect("a folder can be made");
    assert_eq!(place.finish(&["--pure"], &locked).success(), second);
}

#[test]
fn working_trees() {
    let place = Place::new();
    let outer = repository(&place);
    outer.write("a", "changed\n");
    fs::remove_file(outer.path.join("b")).expect("a file");
    outer.write("new", "new\n");
    outer.git(&["add", "--intent-to-add", "new"]);
    outer.write("untracked", "x");
    outer.write("folder/untracked", "x");
    let result = place.finish(&[], &format!("builtins.fetchGit {}", outer.text()));
    let warning = format!("warning: Git tree '{}' is dirty\n", outer.text());
    assert_eq!(result.err(), warning);
    assert_eq!(
        result.success(),
        format!(
            "{{ dirtyRev = \"{LAST}-dirty\"; dirtyShortRev = \"97cb2f1-dirty\"; lastModified = 1600000100; \
             lastModifiedDate = \"20200913122820\"; narHash = \"sha256-7c5FqWtXu5q72Xm3MYsCKkDOLhOFymyGvyekET2v5jA=\"; \
             outPath = \"/nix/store/dgndmw1vd9a3nlwk65w42wbl0yz57qxz-source\"; \
             rev = \"0000000000000000000000000000000000000000\"; revCount = 0; shortRev = \"0000000\"; submodules = false; }}"
        )
    );
    let expr = format!(
        "builtins.attrNames (builtins.readDir (builtins.fetchGit {}))",
        outer.text()
    );
    assert_eq!(
        place.eval(&expr),
        "[ \".gitattributes\" \".gitmodules\" \"a\" \"d\" \"l\" \"new\" ]"
    );
    // What git does not know cannot be reached by its name either.
    let expr = format!(
        "builtins.pathExists (builtins.fetchGit {} + \"/untracked\")",
        outer.text()
    );
    assert_eq!(place.eval(&expr), "false");
    let empty = Repository::new(place.folder.path().join("empty"));
    let printed = place.eval(&format!("builtins.fetchGit {}", empty.text()));
    assert!(
        printed.contains("lastModified = 0;")
            && printed.contains("rev = \"0000000000000000000000000000000000000000\";"),
        "{printed}"
    );
}

#[test]
fn repositories_as_nix_has_them() {
    let place = Place::new();
    let repository = Repository::new(place.folder.path().join("r"));
    repository.write("a", "a\n");
    repository.write("d/b", "b\n");
    repository.commit();
    repository.git(&["branch", "other"]);
    repository.write("c", "c\n");
    repository.commit();
    let path = repository.text();
    let nix = piton_tests::stores::Store::of_nix(place.folder.path().join("nix"));
    for expr in [
        format!("builtins.fetchGit {path}"),
        format!("builtins.fetchGit {{ url = {path}; ref = \"other\"; }}"),
        format!("builtins.fetchGit {{ url = \"file://{path}\"; name = \"n\"; }}"),
    ] {
        let mut run = nix.instantiate(&["--eval", "--strict", "--read-write-mode", "-E", &expr]);
        for (name, value) in GIT_ENVIRONMENT {
            run = run.env(name, value);
        }
        let home = place.folder.path().join("home");
        fs::create_dir_all(&home).expect("a folder");
        let theirs = run.env("HOME", &home).finish().success();
        assert_eq!(place.eval(&expr), theirs, "{expr}");
    }
}

#[test]
fn what_cannot_be_fetched() {
    let place = Place::new();
    let outer = repository(&place);
    let path = outer.text();
    let none = "0123456789012345678901234567890123456789";
    for (expr, message) in [
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; rev = \"{none}\"; }}"),
            format!(
                "getting Git object '{none}': object not found - no match for id ({none}) (libgit2 error code = 9)"
            ),
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; ref = \"nope\"; }}"),
            "resolving Git reference 'nope': revspec 'nope' not found (libgit2 error code = 4)".to_owned(),
        ),
        (
            format!("builtins.fetchGit \"{path}/none\""),
            format!("Git repository \"{path}/none\" does not exist."),
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; ref = \"a..b\"; }}"),
            "invalid Git branch/tag name 'a..b'".to_owned(),
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; rev = \"abc\"; }}"),
            "hash 'abc' has wrong length for hash algorithm 'sha1'".to_owned(),
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; submodules = true; exportIgnore = true; }}"),
            "exportIgnore and submodules are not supported together yet".to_owned(),
        ),
        (
            format!("builtins.fetchGit {{ url = \"{path}\"; foo = 1; }}"),
            "input attribute 'foo' not supported by scheme 'git'".to_owned(),
        ),
        (
            "builtins.fetchTree { type = \"indirect\"; id = \"nixpkgs\"; }".to_owned(),
            "cannot find flake 'flake:nixpkgs' in the flake registries".to_owned(),
        ),
        (
            "builtins.fetchTree { type = \"path\"; path = \"./a\"; }".to_owned(),
            "cannot fetch input 'path:./a' because it uses a relative path".to_owned(),
        ),
        (
            "builtins.fetchTree { type = \"nope\"; }".to_owned(),
            "cannot show unsupported input '{\"type\":\"nope\"}'".to_owned(),
        ),
        (
            "builtins.fetchTree { type = \"path\"; path = { }; }".to_owned(),
            "argument 'path' to 'fetchTree' is a set while a string, Boolean or integer is expected".to_owned(),
        ),
        (
            "builtins.fetchMercurial \"x\"".to_owned(),
            "fetching from Mercurial repositories ('fetchMercurial') is not supported".to_owned(),
        ),
    ] {
        assert_eq!(place.fails(&[], &expr), message, "{expr}");
    }
    let bare = place.folder.path().join("bare.git");
    outer.git(&["clone", "--quiet", "--bare", ".", text(&bare)]);
    let expr = format!(
        "builtins.fetchGit {{ url = \"file://{}\"; ref = \"nope\"; }}",
        bare.display()
    );
    assert_eq!(
        place.fails(&[], &expr),
        format!("Failed to fetch git repository 'file://{}'", bare.display())
    );
    let closure = ["--extra-experimental-features", "fetch-closure"];
    assert_eq!(
        place.fails(&closure, "builtins.fetchClosure { }"),
        "copying from binary caches ('fetchClosure') is not supported"
    );
    assert_eq!(place.eval("builtins ? fetchClosure"), "false");
    let none = ["--experimental-features", ""];
    assert_eq!(
        place.finish(&none, "builtins ? fetchTree").success(),
        "false"
    );
}

#[test]
fn a_missing_git_is_told() {
    let place = Place::new();
    let path = place.folder.path().join("bin");
    fs::create_dir(&path).expect("a folder");
    let repository = Repository::new(place.folder.path().join("r"));
    let expr = format!("builtins.fetchGit {}", repository.text());
    let report = place
        .run(&[])
        .env("PATH", &path)
        .args(["--expr", &expr])
        .finish()
        .failure();
    assert!(
        report.contains("cannot run the program 'git', which fetching from Git repositories needs"),
        "{report}"
    );
}
