//! Flakes: beside Debian's Nix 2.8 where that knows them, and with what Nix 2.34.8 says of the rest.

use piton_tests::main_message;
use piton_tests::repository::{GIT_ENVIRONMENT, Repository};
use piton_tests::run::{Finished, Run, piton_run, text};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with flakes in it, and a cache of one's own.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Place {
            folder: tempfile::tempdir().expect("a folder can be made"),
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder")
    }

    /// Writes a file; `ROOT` in its text is the folder.
    fn write(&self, name: &str, contents: &str) {
        let root = self.root();
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, contents.replace("ROOT", text(&root))).expect("a file can be written");
    }

    fn run<const N: usize>(&self, args: [&str; N]) -> Run {
        let mut run = piton_run(args);
        for (name, value) in GIT_ENVIRONMENT {
            run = run.env(name, value);
        }
        run.env("XDG_CACHE_HOME", self.root().join("cache"))
            .dir(self.root())
    }

    fn eval(&self, reference: &str) -> Finished {
        self.run(["eval", "--json", "--flake", reference]).finish()
    }

    /// What is printed.
    #[track_caller]
    fn json(&self, reference: &str) -> String {
        self.eval(reference).success()
    }

    /// The message of the error.
    #[track_caller]
    fn fails(&self, reference: &str) -> String {
        let report = self.eval(reference).failure();
        main_message(&report).unwrap_or_else(|| panic!("no message:\n{report}"))
    }

    /// Debian's Nix.
    fn nix(&self, args: &[&str]) -> Run {
        let home = self.root().join("home");
        fs::create_dir_all(&home).expect("a folder can be made");
        // Without one it looks for the registry of the world.
        let registry = home.join("registry.json");
        fs::write(&registry, "{ \"flakes\": [ ], \"version\": 2 }").expect("a file");
        let mut run = Run::new("nix")
            .args(["--option", "flake-registry", text(&registry)])
            .args([
                "--extra-experimental-features",
                "nix-command flakes",
                "--offline",
            ])
            .arg("--store")
            .arg(self.root().join("nix"));
        for (name, value) in GIT_ENVIRONMENT {
            run = run.env(name, value);
        }
        run.args(args).env("HOME", home).dir(self.root())
    }

    /// Both say the same of these outputs.
    #[track_caller]
    fn same(&self, flake: &str, attributes: &[&str]) {
        for attribute in attributes {
            let reference = format!("{flake}#{attribute}");
            let theirs = self
                .nix(&["eval", "--json", "--no-write-lock-file", &reference])
                .finish()
                .success();
            assert_eq!(self.json(&reference), theirs, "{reference}");
        }
    }
}

/// Four flakes and a folder without one: `top` needs `mid`, that needs `lib`, and `top` says what `mid` is to take for its data.
fn family() -> Place {
    let place = Place::new();
    place.write("data/f", "data\n");
    place.write("data2/f", "other\n");
    place.write(
        "lib/flake.nix",
        r#"{
  inputs.data = { url = "path:ROOT/data"; flake = false; };
  outputs = { self, data, ... }: {
    n = 1;
    d = builtins.readFile "${data}/f";
    where = data.outPath;
  };
}"#,
    );
    place.write(
        "mid/flake.nix",
        r#"{
  inputs = {
    lib.url = "path:ROOT/lib";
    data = { type = "path"; path = "ROOT/data"; flake = false; };
  };
  outputs = { self, lib, data }: { n = lib.n + 1; inherit (lib) d where; own = builtins.readFile (data + "/f"); };
}"#,
    );
    place.write(
        "top/flake.nix",
        r#"{
  description = "all of them";
  inputs = {
    mid.url = "path:ROOT/mid";
    lib.follows = "mid/lib";
    mid.inputs.data.follows = "data2";
    data2 = { url = "path:ROOT/data2"; flake = false; };
  };
  outputs = { self, mid, lib, data2 }@inputs: {
    n = mid.n + lib.n;
    d = [ mid.d lib.d mid.own ];
    where = [ self.outPath mid.outPath lib.where data2.outPath ];
    names = builtins.attrNames inputs;
    members = map builtins.attrNames [ self lib ];
    hash = self.narHash;
    drv = (derivation { name = "x"; system = "s"; builder = "${self}/b"; inherit data2; }).drvPath;
    packages.x86_64-linux.default = "the default";
    packages.x86_64-linux.both = "of the system";
    both = "not of the system";
    lib' = lib.n;
  };
}"#,
    );
    place
}

const OUTPUTS: [&str; 8] = ["n", "d", "where", "names", "hash", "drv", "both", "lib'"];

#[test]
fn inputs_without_locks() {
    let place = family();
    place.same(
        "path:ROOT/top"
            .replace("ROOT", text(&place.root()))
            .as_str(),
        &OUTPUTS,
    );
    assert!(
        !place.root().join("top/flake.lock").exists(),
        "nothing is written"
    );
    let result = place.eval("./top#n");
    let warning = result.err();
    let expected = format!(
        "warning: not writing modified lock file of flake 'path:{}':\n• Added input 'data2':\n    'path:",
        place.root().join("top").display()
    );
    assert!(warning.starts_with(&expected), "{warning}");
    assert!(
        warning.contains("• Added input 'lib':\n    follows 'mid/lib'\n"),
        "{warning}"
    );
    assert!(
        warning.contains("• Added input 'mid/data':\n    follows 'data2'\n"),
        "{warning}"
    );
}

/// Nix 2.8 does not look so deep; the values are those of Nix 2.34.8.
#[test]
fn overrides_reach_deep() {
    let place = family();
    place.write(
        "deep/flake.nix",
        r#"{
  inputs = {
    mid.url = "path:ROOT/mid";
    mid.inputs.lib.inputs.data.follows = "data2";
    mid.inputs.none.follows = "data2";
    data2 = { url = "path:ROOT/data2"; flake = false; };
  };
  outputs = { self, mid, data2 }: { d = [ mid.d mid.own ]; };
}"#,
    );
    let result = place.eval("./deep#d");
    let said = result.err();
    for line in [
        "warning: input 'mid' has an override for a non-existent input 'none'\n",
        "• Added input 'mid/lib/data':\n    follows 'data2'\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_eq!(result.success(), r#"["other\n","data\n"]"#);
}

#[test]
fn inputs_with_locks() {
    let place = family();
    let top = format!("path:{}", place.root().join("top").display());
    place.nix(&["flake", "lock", &top]).finish().success();
    assert!(
        place.root().join("top/flake.lock").exists(),
        "Nix has locked it"
    );
    place.same(&top, &OUTPUTS);
    assert_eq!(place.eval("./top#n").err(), "", "the locks are up to date");
    // What is locked is what counts.
    place.write("data2/f", "changed\n");
    let report = place.eval("./top#d").failure();
    assert!(
        report.contains("mismatch in field 'narHash' of input '{\"__final\":true,"),
        "{report}"
    );
    place.write("data2/f", "other\n");
    // An input that is another one now is locked anew, the others are as they were.
    let flake = fs::read_to_string(place.root().join("top/flake.nix")).expect("a file");
    place.write("top/flake.nix", &flake.replace("/data2\"", "/data\""));
    let result = place.eval("./top#d");
    assert!(
        result
            .err()
            .contains("• Updated input 'data2':\n    'path:"),
        "{}",
        result.err()
    );
    assert_eq!(result.success(), r#"["data\n","data\n","data\n"]"#);
    place.same(&top, &OUTPUTS);
    // One that is not there any more.
    place.write("other/f", "other\n");
    let gone = flake
        .replace("mid.inputs.data.follows = \"data2\";", "")
        .replace("data2 = { url", "other = { url")
        .replace("data2", "other");
    place.write("top/flake.nix", &gone);
    let result = place.eval("./top#d");
    assert!(
        result.err().contains("• Removed input 'data2'\n"),
        "{}",
        result.err()
    );
    assert_eq!(result.success(), r#"["data\n","data\n","data\n"]"#);
}

#[test]
fn a_locked_flake_is_pure() {
    let place = family();
    let top = format!("path:{}", place.root().join("top").display());
    place.nix(&["flake", "lock", &top]).finish().success();
    let hash = place.json("./top#hash");
    let locked = format!(
        "{top}?narHash={}",
        hash.trim_matches('"').replace('+', "%2B")
    );
    for mode in ["--pure", "--pure-eval"] {
        let run = |expr: String| {
            place
                .run(["eval", "--strict", mode, "--expr"])
                .arg(expr)
                .finish()
        };
        assert_eq!(
            run(format!("(builtins.getFlake \"{locked}\").n")).success(),
            "3",
            "{mode}"
        );
        let report = run(format!("(builtins.getFlake \"{top}\").n")).failure();
        assert!(
            report.contains(&format!(
                "cannot call 'getFlake' on unlocked flake reference '{top}'"
            )),
            "{report}"
        );
        // The place that a flake came from is not open, only what was taken from there.
        let report = run(format!(
            "builtins.readFile \"{}/data/f\"",
            place.root().display()
        ))
        .failure();
        assert!(
            report.contains("is forbidden in pure evaluation mode"),
            "{report}"
        );
    }
    // An input that is not locked cannot be added in pure evaluation.
    fs::remove_file(place.root().join("top/flake.lock")).expect("a file");
    let hash = place.json("./top#hash");
    let locked = format!(
        "{top}?narHash={}",
        hash.trim_matches('"').replace('+', "%2B")
    );
    let expr = format!("(builtins.getFlake \"{locked}\").n");
    let report = place
        .run(["eval", "--pure", "--expr", &expr])
        .finish()
        .failure();
    assert!(
        report.contains("cannot update unlocked flake input 'data2' in pure mode"),
        "{report}"
    );
}

#[test]
fn evaluation_of_flakes_is_pure() {
    let place = Place::new();
    place.write("secret", "secret");
    place.write(
        "f/flake.nix",
        r#"{ outputs = _: {
  env = builtins.getEnv "HOME"; time = builtins ? currentTime; read = builtins.readFile ROOT/secret; find = <nixpkgs>;
  own = builtins.readFile ./flake.nix == builtins.readFile (builtins.path { path = ./flake.nix; });
}; }"#,
    );
    assert_eq!(place.json("./f#env"), "\"\"");
    assert_eq!(place.json("./f#time"), "false");
    assert_eq!(place.json("./f#own"), "true");
    assert!(
        place
            .fails("./f#read")
            .ends_with("is forbidden in pure evaluation mode (use '--impure' to override)")
    );
    assert!(
        place
            .fails("./f#find")
            .starts_with("cannot look up '<nixpkgs>' in pure evaluation mode")
    );
    let impure = place.run(["eval", "--impure", "f#env"]).finish().success();
    assert_eq!(impure, "\"/homeless-shelter\"");
    let report = place
        .run(["eval", "--no-impure", "f#env"])
        .finish()
        .failure();
    assert!(
        report.contains("flakes need the impure builtins"),
        "{report}"
    );
}

#[test]
fn what_a_fragment_means() {
    let place = family();
    for (reference, expected) in [
        ("./top#both", "\"of the system\""),
        ("./top#.both", "\"not of the system\""),
        ("./top", "\"the default\""),
        ("top#n", "3"),
        ("./top#packages.x86_64-linux.both", "\"of the system\""),
    ] {
        let printed = place
            .run([
                "eval",
                "--option",
                "system",
                "x86_64-linux",
                "--flake",
                reference,
            ])
            .finish()
            .success();
        assert_eq!(printed, expected, "{reference}");
    }
    let printed = place
        .run(["eval", "--flake", "./top", "-A", "n", "-A", "lib'"])
        .finish();
    assert_eq!(printed.success(), "3\n1");
    assert_eq!(place.run(["eval", "top#n"]).finish().success(), "3");
    let report = place
        .run(["eval", "--option", "system", "s", "./top#none"])
        .finish()
        .failure();
    let top = place.root().join("top");
    let expected = format!(
        "flake 'path:{}' does not provide attribute 'packages.s.none', 'legacyPackages.s.none' or 'none'",
        top.display()
    );
    assert_eq!(main_message(&report), Some(expected));
    // From within, the flake above is meant.
    fs::create_dir(top.join("sub")).expect("a folder");
    let within = place.run(["eval", ".#n"]).dir(top.join("sub")).finish();
    assert!(
        within
            .err()
            .contains("does not contain a 'flake.nix', searching up")
    );
    assert_eq!(within.success(), "3");
    // A file of that name comes first.
    place.write("top#n", "42");
    assert_eq!(place.run(["eval", "top#n"]).finish().success(), "42");
}

#[test]
fn relative_inputs() {
    let place = Place::new();
    place.write(
        "f/flake.nix",
        "{ inputs.sub.url = \"path:./sub\"; inputs.file = { url = \"path:./data\"; flake = false; };
           outputs = { self, sub, file }: {
             inherit (sub) one me; info = builtins.attrNames sub.sourceInfo; up = sub.up; d = builtins.readFile \"${file}/x\";
             same = sub.sourceInfo.outPath == self.outPath && sub.outPath == \"${self}/sub\";
           }; }\n",
    );
    place.write("f/data/x", "x");
    place.write(
        "f/sub/flake.nix",
        "{ inputs.next.url = \"path:../next\"; outputs = { self, next }: { one = 1; me = self.outPath; up = next.v; }; }\n",
    );
    place.write(
        "f/next/flake.nix",
        "{ outputs = { self }: { v = \"next\"; }; }\n",
    );
    assert_eq!(place.json("./f#one"), "1");
    assert_eq!(place.json("./f#up"), "\"next\"");
    assert_eq!(place.json("./f#d"), "\"x\"");
    assert_eq!(place.json("./f#same"), "true");
    // As Nix 2.34.8 computes it.
    assert_eq!(
        place.json("./f#me"),
        "\"/nix/store/n0kv7hvfnrkrncljn1i9k9zpj0is0nxy-source/sub\""
    );
    assert_eq!(place.json("./f#info"), "[\"outPath\"]");
    // Locked by Nix 2.34.8; the parent's tree is known by then.
    place.write("f/flake.lock", LOCK_OF_RELATIVE_INPUTS);
    assert_eq!(place.eval("./f#one").err(), "");
    assert_eq!(place.json("./f#up"), "\"next\"");
    assert_eq!(
        place.json("./f#info"),
        "[\"lastModified\",\"lastModifiedDate\",\"narHash\",\"outPath\"]"
    );
    place.write(
        "circle/flake.nix",
        "{ inputs.sub.url = \"path:./sub\"; outputs = _: { }; }",
    );
    place.write(
        "circle/sub/flake.nix",
        "{ inputs.up.url = \"path:../\"; outputs = _: { }; }",
    );
    assert_eq!(
        place.fails("./circle#x"),
        "found circular import of flake 'path:./sub'"
    );
}

const LOCK_OF_RELATIVE_INPUTS: &str = r#"{"nodes": {"file": {"flake": false, "locked": {"path": "./data", "type": "path"}, "original": {"path": "./data", "type": "path"}, "parent": []}, "next": {"locked": {"path": "../next", "type": "path"}, "original": {"path": "../next", "type": "path"}, "parent": ["sub"]}, "root": {"inputs": {"file": "file", "sub": "sub"}}, "sub": {"inputs": {"next": "next"}, "locked": {"path": "./sub", "type": "path"}, "original": {"path": "./sub", "type": "path"}, "parent": []}}, "root": "root", "version": 7}"#;

#[test]
fn flakes_in_repositories() {
    let place = Place::new();
    let repository = Repository::new(place.root().join("r"));
    repository.write(
        "flake.nix",
        "{ outputs = { self }: { rev = self.rev or self.dirtyRev; count = self.revCount or null; date = self.lastModifiedDate;
           files = builtins.attrNames (builtins.readDir self); out = self.outPath; }; }\n",
    );
    repository.write(
        "sub/flake.nix",
        "{ outputs = { self }: { out = self.outPath; top = self.sourceInfo.outPath; }; }\n",
    );
    let rev = repository.commit();
    repository.write("untracked", "x");
    place.same("./r", &["rev", "count", "date", "files", "out"]);
    place.same("./r/sub", &["top"]);
    place.same(
        &format!("git+file://{}?dir=sub", repository.text()),
        &["top"],
    );
    // Older Nix did not add the folder.
    let top = place.json("./r/sub#top");
    let below = format!("{}/sub\"", top.trim_end_matches('"'));
    assert_eq!(place.json("./r/sub#out"), below);
    place.same(
        &format!("git+file://{}?rev={rev}", repository.text()),
        &["rev", "count", "out"],
    );
    assert_eq!(place.json("./r#rev"), format!("\"{rev}\""));
    let expr = format!(
        "(builtins.getFlake \"git+file://{}?rev={rev}\").out",
        repository.text()
    );
    let pure = place
        .run(["eval", "--pure", "--expr", &expr])
        .finish()
        .success();
    assert_eq!(pure, place.json("./r#out"));
    repository.write(
        "flake.nix",
        "{ outputs = { self }: { rev = self.dirtyRev; clean = self.sourceInfo ? rev; }; }\n",
    );
    let result = place.eval("./r#rev");
    assert_eq!(
        result.err(),
        format!("warning: Git tree '{}' is dirty\n", repository.text())
    );
    assert_eq!(result.success(), format!("\"{rev}-dirty\""));
    assert_eq!(place.json("./r#clean"), "false");
    // A flake that git does not know is not there.
    fs::create_dir(repository.path.join("new")).expect("a folder");
    fs::write(
        repository.path.join("new/flake.nix"),
        "{ outputs = _: { x = 1; }; }",
    )
    .expect("a file");
    assert!(place.fails("./r/new#x").ends_with("does not exist"));
}

#[test]
fn archives_as_inputs() {
    let place = Place::new();
    place.write("lib/flake.nix", "{ outputs = { self }: { v = 7; }; }\n");
    Run::new("tar")
        .args(["-czf", "lib.tar.gz", "--mtime=@1600000000", "lib"])
        .dir(place.root())
        .finish()
        .success();
    place.write(
        "f/flake.nix",
        "{ inputs.lib.url = \"file://ROOT/lib.tar.gz\"; outputs = { self, lib }: { inherit (lib) v lastModified; }; }\n",
    );
    assert_eq!(place.json("./f#v"), "7");
    assert_eq!(place.json("./f#lastModified"), "1600000000");
    assert_eq!(
        place.json(&format!("file://{}/lib.tar.gz#v", place.root().display())),
        "7"
    );
}

#[test]
fn what_is_no_flake() {
    let place = Place::new();
    for (name, flake, message) in [
        (
            "number",
            "{ outputs = 1; }",
            "expected a function but got an integer at FLAKE:1:3",
        ),
        (
            "unknown",
            "{ foo = 1; outputs = _: { }; }",
            "flake 'path:ROOT' has an unsupported attribute 'foo', at FLAKE:1:3",
        ),
        ("none", "{ }", "flake 'path:ROOT' lacks attribute 'outputs'"),
        (
            "list",
            "{ inputs = [ ]; outputs = _: { }; }",
            "expected a set but got a list at FLAKE:1:3",
        ),
        (
            "text",
            "{ inputs.a = \"x\"; outputs = _: { }; }",
            "expected a set but got a string at FLAKE:1:3",
        ),
        (
            "url",
            "{ inputs.a.url = 1; outputs = _: { }; }",
            "expected a string or a path but got an integer at FLAKE:1:3",
        ),
        (
            "attr",
            "{ inputs.a.foo = \"x\"; outputs = _: { }; }",
            "unexpected flake input attribute 'foo', at FLAKE:1:3",
        ),
        (
            "both",
            "{ inputs.a = { url = \"path:/x\"; follows = \"b\"; }; outputs = _: { }; }",
            "flake input has both a flake reference and a follows attribute, at FLAKE:1:3",
        ),
        (
            "follows",
            "{ inputs.a.follows = \"b\"; outputs = _: { }; }",
            "input 'a' follows a non-existent input 'b'",
        ),
        (
            "self",
            "{ inputs.self.foo = true; outputs = _: { }; }",
            "flake 'self' attribute 'foo' is not supported",
        ),
        ("function", "x: x", "file 'FLAKE' must be an attribute set"),
    ] {
        place.write(&format!("{name}/flake.nix"), flake);
        let folder = place.root().join(name);
        let got = place.fails(&format!("./{name}#x"));
        let message = message.replace("ROOT", text(&folder));
        let (before, after) = message.split_once("FLAKE").unwrap_or((&message, ""));
        assert!(
            got.starts_with(before) && got.ends_with(after),
            "{name}: {got}"
        );
    }
    place.write("version/flake.nix", "{ outputs = _: { }; }");
    place.write(
        "version/flake.lock",
        "{ \"version\": 99, \"root\": \"root\", \"nodes\": { } }",
    );
    assert!(
        place
            .fails("./version#x")
            .ends_with("flake.lock' has unsupported version 99")
    );
    place.write("version/flake.lock", "{");
    assert!(place.fails("./version#x").len() > 5);
    assert_eq!(
        place.fails("nixpkgs#x"),
        "cannot find flake 'flake:nixpkgs' in the flake registries"
    );
    assert!(place.fails("./nowhere#x").starts_with("getting status of"));
    let none = [
        "eval",
        "--experimental-features",
        "",
        "--expr",
        "builtins.getFlake \"path:/x\"",
    ];
    let report = place.run(none).finish().failure();
    assert!(
        report.contains("experimental Nix feature 'flakes' is disabled"),
        "{report}"
    );
}

#[test]
fn references() {
    let place = Place::new();
    for (expr, expected) in [
        (
            "builtins.parseFlakeRef \"nixpkgs\"",
            "{ id = \"nixpkgs\"; type = \"indirect\"; }",
        ),
        (
            "builtins.parseFlakeRef \"/a b?dir=x\"",
            "{ dir = \"x\"; path = \"/a b\"; type = \"path\"; }",
        ),
        (
            "builtins.parseFlakeRef \"path:./a\"",
            "{ path = \"./a\"; type = \"path\"; }",
        ),
        (
            "builtins.parseFlakeRef \"git+https://x.org/a%20b?ref=m&rev=0123456789012345678901234567890123456789&dir=d&x=y\"",
            "{ dir = \"d\"; ref = \"m\"; rev = \"0123456789012345678901234567890123456789\"; type = \"git\"; \
             url = \"https://x.org/a%20b?x=y\"; }",
        ),
        (
            "builtins.parseFlakeRef \"https://x.org/a.tar.gz?narHash=x\"",
            "{ narHash = \"x\"; type = \"tarball\"; url = \"https://x.org/a.tar.gz\"; }",
        ),
        (
            "builtins.flakeRefToString { type = \"path\"; path = \"/a b\"; lastModified = 3; }",
            "\"path:/a%20b?lastModified=3\"",
        ),
        (
            "builtins.flakeRefToString { type = \"git\"; url = \"git@github.com:a/b+c\"; shallow = true; }",
            "\"git+ssh://git@github.com/a/b%2Bc?shallow=1\"",
        ),
    ] {
        let printed = place
            .run(["eval", "--strict", "--pure", "--expr", expr])
            .finish();
        assert_eq!(printed.success(), expected, "{expr}");
    }
    for (expr, message) in [
        (
            "builtins.parseFlakeRef \"./a\"",
            "flake reference './a' is not an absolute path",
        ),
        (
            "builtins.parseFlakeRef \"github:a\"",
            "flake reference 'github:a' is not an absolute path",
        ),
        (
            "builtins.parseFlakeRef \"foo:bar\"",
            "input 'foo:bar' is unsupported",
        ),
        (
            "builtins.parseFlakeRef \"file+git:x\"",
            "input 'file+git:x' is unsupported; did you mean 'git+file' instead of 'file+git'?",
        ),
        (
            "builtins.flakeRefToString { type = \"github\"; owner = \"a\"; }",
            "input attribute 'repo' is missing",
        ),
        (
            "builtins.flakeRefToString { type = \"github\"; owner = \"a\"; repo = \"b\"; ref = \"x\"; rev = \"y\"; }",
            "input {\"owner\":\"a\",\"ref\":\"x\",\"repo\":\"b\",\"rev\":\"y\",\"type\":\"github\"} contains both a commit hash \
             ('y') and a branch/tag name ('x')",
        ),
        (
            "builtins.flakeRefToString { type = \"github\"; owner = \"a\"; repo = \"b\"; foo = \"x\"; }",
            "input attribute 'foo' not supported by scheme 'github'",
        ),
        (
            "builtins.flakeRefToString { type = \"z\"; }",
            "cannot show unsupported input '{\"type\":\"z\"}'",
        ),
        (
            "builtins.flakeRefToString { }",
            "'type' attribute to specify input scheme is required but not provided",
        ),
        (
            "builtins.flakeRefToString { type = [ ]; }",
            "flake reference attribute sets may only contain integers, Booleans, and strings, but attribute 'type' is a list",
        ),
    ] {
        let report = place
            .run(["eval", "--strict", "--expr", expr])
            .finish()
            .failure();
        assert_eq!(main_message(&report).as_deref(), Some(message), "{expr}");
    }
}
