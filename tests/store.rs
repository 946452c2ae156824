//! Stores in a directory: the package set in `packages`, instantiated by Piton and by Debian's Nix, what Nix makes of a
//! store that Piton has written, and the store of a daemon of Debian's Nix.

use piton_tests::stores::Store;
use piton_tests::{Run, piton, piton_run, source_dir};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wait4::Wait4;

const PATHS: &str = "builtins.mapAttrs (_: group: builtins.mapAttrs (_: package:
  [ package.drvPath ] ++ map (output: output.outPath) package.all) group)";

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a scratch folder")
}

/// All paths of all packages, as an expression.
fn all_paths() -> String {
    format!(
        "{PATHS} (import {})",
        source_dir("tests/packages").display()
    )
}

#[test]
fn the_package_set_is_that_of_nix() {
    let scratch = scratch();
    let nix = Store::of_nix(scratch.path().join("nix"));
    let piton = Store::of_piton(scratch.path().join("piton"));
    let expr = all_paths();
    let theirs = nix.json_of(&expr);
    let ours = piton.json_of(&expr);
    assert_eq!(ours, theirs);
    assert!(ours.matches(".drv\"").count() >= 70, "{ours}");
    assert_eq!(piton.differences(&nix), "");
    assert_eq!(piton.records(), nix.records());
    assert!(piton.len() >= 120, "only {} paths", piton.len());
}

#[test]
fn a_file_added_as_its_bytes_stays_one_that_nobody_executes() {
    let scratch = scratch();
    let nix = Store::of_nix(scratch.path().join("nix"));
    let piton = Store::of_piton(scratch.path().join("piton"));
    let file = scratch.path().join("run");
    fs::write(&file, "#!/bin/sh\n").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a file");
    let file = file.display();
    let expr = format!(
        "let
          flat = builtins.path {{ path = {file}; recursive = false; name = \"flat\"; }};
          again = builtins.path {{ path = flat; name = \"again\"; }};
        in [ flat again (builtins.path {{ path = again; name = \"again\"; }}) \"${{{file}}}\" ]"
    );
    let theirs = nix.json_of(&expr);
    let ours = piton.json_of(&expr);
    assert_eq!(ours, theirs);
    assert_eq!(piton.differences(&nix), "");
    assert_eq!(piton.len(), 3);
}

#[test]
fn a_dry_run_writes_nothing() {
    let scratch = scratch();
    let piton = Store::of_piton(scratch.path().join("piton"));
    let expr = "derivation { name = \"a\"; system = \"s\"; builder = \"b\"; x = builtins.toFile \"f\" \"x\"; }";
    // What Nix 2.34.8 prints; it writes nothing either, whatever else is asked for.
    let expected = "/nix/store/ac1vx2nr9l97l86byd2b9nkycypz2bg0-a.drv";
    let paths = format!("({expr}).drvPath");
    for (args, printed) in [
        (&["--dry-run", "-E", expr][..], expected.to_owned()),
        (
            &["--dry-run", "--read-write-mode", "-E", expr],
            expected.to_owned(),
        ),
        (
            &["--dry-run", "--eval", "--read-write-mode", "-E", &paths],
            format!("\"{expected}\""),
        ),
    ] {
        let run = piton.instantiate(args).finish();
        assert_eq!(run.success(), printed, "{args:?}");
        assert_eq!(piton.len(), 0, "{args:?}");
    }
    assert_eq!(
        piton.instantiate(&["-E", expr]).finish().success(),
        expected
    );
    assert_eq!(piton.len(), 2);
}

#[test]
fn the_derivations_of_the_set_are_printed_as_nix_does() {
    let scratch = scratch();
    let nix = Store::of_nix(scratch.path().join("nix"));
    let piton = Store::of_piton(scratch.path().join("piton"));
    let packages = source_dir("tests/packages");
    let packages = packages.to_str().expect("UTF-8");
    for args in [
        &[packages, "-A", "plain"][..],
        &[packages, "-A", "outputs"],
        &[packages, "-A", "structured.simple", "-A", "fixed.flat"],
        &[
            "-E",
            &format!("builtins.attrValues (import {packages}).files"),
        ],
        &[
            "-E",
            &format!(
                "{{ a = {{ recurseForDerivations = true; b = (import {packages}).deep.chain; }}; c = {{ d = 1; }}; }}"
            ),
        ],
    ] {
        let theirs = nix.instantiate(args).finish().success();
        let ours = piton.instantiate(args).finish().success();
        assert_eq!(ours, theirs, "{args:?}");
        assert!(!ours.is_empty(), "{args:?}");
    }
    assert_eq!(piton.differences(&nix), "");
}

#[test]
fn nix_takes_a_store_over() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path());
    let expr = all_paths();
    let first = store.json_of(&expr);
    // A second time nothing is written anew, and no path gets a second record.
    assert_eq!(store.json_of(&expr), first);
    store.records();
    store.register();
    let verified = store.verify();
    assert_eq!(verified.status, 0, "{}", verified.err());
    // That this can fail: one file is damaged.
    let folder = scratch.path().join("nix/store");
    let mut files = fs::read_dir(&folder).expect("the store is there");
    let file = files
        .find_map(|entry| {
            let path = entry.expect("a folder can be listed").path();
            path.to_str()?.ends_with("-base.drv").then_some(path)
        })
        .expect("the package set has a package named base");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("permissions");
    fs::write(&file, "damaged").expect("a file can be written");
    let verified = store.verify();
    assert_ne!(verified.status, 0);
    assert!(verified.err().contains("modified"), "{}", verified.err());
}

#[test]
fn eval_writes_only_if_it_is_asked_to() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path());
    let expr = all_paths();
    let flags = ["--eval", "--strict", "--json", "-E", &expr];
    store.instantiate(&flags).finish().success();
    assert!(store.is_empty());
}

#[test]
fn what_is_in_a_store_is_read_there() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path());
    let write = "toString (builtins.toFile \"value.nix\" \"[ 1 ./. ]\")";
    let flags = ["--eval", "--read-write-mode", "--raw", "-E"];
    let path = store
        .instantiate(&[&flags[..], &[write]].concat())
        .finish()
        .success();
    let read = format!("import {path}");
    let value = store
        .instantiate(&["--eval", "--strict", "-E", &read])
        .finish()
        .success();
    assert_eq!(value, "[ 1 /nix/store ]");
    let read = format!("builtins.readFile (builtins.storePath {path})");
    let value = store
        .instantiate(&["--eval", "-E", &read])
        .finish()
        .success();
    assert_eq!(value, "\"[ 1 ./. ]\"");
    let missing = "builtins.storePath \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a\"";
    let told = store
        .instantiate(&["--eval", "--read-write-mode", "-E", missing])
        .finish()
        .failure();
    let expected = "error: path '/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a' is not valid";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn links_in_a_store_lead_to_its_own_paths() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path().join("store"));
    let flags = ["--eval", "--read-write-mode", "--raw", "-E"];
    let add = |expr: &str| {
        let path = store.instantiate(&[&flags[..], &[expr]].concat());
        path.finish().success()
    };
    let value = add("toString (builtins.toFile \"value.nix\" \"[ 1 2 ]\")");
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).expect("a scratch folder");
    symlink(&value, tree.join("value")).expect("a link can be made");
    symlink("value", tree.join("twice")).expect("a link can be made");
    symlink(
        "/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-none",
        tree.join("dangling"),
    )
    .expect("a link can be made");
    symlink("round", tree.join("round")).expect("a link can be made");
    let tree = add(&format!(
        "builtins.path {{ path = {}; name = \"tree\"; }}",
        tree.display()
    ));
    let outer = scratch.path().join("outer");
    fs::create_dir(&outer).expect("a scratch folder");
    symlink(&tree, outer.join("inner")).expect("a link can be made");
    let outer = add(&format!(
        "builtins.path {{ path = {}; name = \"outer\"; }}",
        outer.display()
    ));
    let expr = format!(
        "[ (import {tree}/value) (import {tree}/twice) (import {outer}/inner/twice) (builtins.readFile {outer}/inner/value)
           (builtins.pathExists {outer}/inner/value) (builtins.pathExists {tree}/dangling/x)
           (builtins.attrNames (builtins.readDir {outer}/inner)) (builtins.readFileType {outer}/inner/value) ]"
    );
    let value = store
        .instantiate(&["--eval", "--strict", "-E", &expr])
        .finish()
        .success();
    let expected = "[ [ 1 2 ] [ 1 2 ] [ 1 2 ] \"[ 1 2 ]\" true false [ \"dangling\" \"round\" \"twice\" \"value\" ] \"symlink\" ]";
    assert_eq!(value, expected);
    let told = store
        .instantiate(&["--eval", "-E", &format!("import {tree}/round")])
        .finish()
        .failure();
    assert!(
        told.contains("too many symbolic links encountered"),
        "{told}"
    );
}

#[test]
fn without_a_builder_an_import_from_derivation_is_an_error_that_says_so() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path());
    let expr = "import \"${derivation { name = \"wanted\"; system = \"x\"; builder = \"y\"; }}/default.nix\"";
    let told = store
        .instantiate(&["--eval", "--read-write-mode", "-E", expr])
        .finish()
        .failure();
    for part in [
        "-wanted.drv^out' during evaluation",
        "which reading '",
        "has no builder",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_an_error() {
    for (store, part) in [
        (
            "/dev/null/store",
            "cannot open the store in '/dev/null/store'",
        ),
        ("name", "don't know how to open Nix store 'name'"),
        ("local", "--store daemon"),
        (
            "unix:///dev/null",
            "cannot connect to the Nix daemon at '/dev/null'",
        ),
    ] {
        let told = piton_run(["eval", "--store", store, "--expr", "1"])
            .finish()
            .failure();
        assert!(told.contains(part), "{told}");
    }
}

/// Debian's Nix daemon, with a store of its own, until the end of a test.
struct Daemon {
    process: Child,
    url: String,
}

impl Daemon {
    fn start(scratch: &Path) -> Self {
        let root = scratch.join("daemon");
        let socket = scratch.join("socket");
        fs::create_dir(&root).expect("a scratch folder");
        let config =
            "build-users-group =\nsubstitute = false\nsandbox-paths = /bin /usr /lib /lib64?";
        let process = Command::new("nix-daemon")
            .env("NIX_REMOTE", format!("local?root={}", root.display()))
            .env("NIX_DAEMON_SOCKET_PATH", &socket)
            .env("NIX_CONFIG", config)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's nix-daemon can be run");
        let daemon = Daemon {
            process,
            url: format!("unix://{}?root={}", socket.display(), root.display()),
        };
        let started = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the daemon does not answer"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    fn eval(&self, args: &[&str]) -> Run {
        piton_run([
            "instantiate",
            "--eval",
            "--strict",
            "--read-write-mode",
            "--store",
            &self.url,
        ])
        .args(args)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_daemon_is_given_what_nix_would_write() {
    let scratch = scratch();
    let daemon = Daemon::start(scratch.path());
    let nix = Store::of_nix(scratch.path().join("nix"));
    let expr = all_paths();
    let theirs = nix.json_of(&expr);
    let ours = daemon.eval(&["--json", "-E", &expr]).finish().success();
    assert_eq!(ours, theirs);
    let given = Store::of_nix(scratch.path().join("daemon"));
    assert_eq!(given.differences(&nix), "");
    assert_eq!(given.records(), nix.records());
}

#[test]
fn a_daemon_builds_what_an_import_needs() {
    let scratch = scratch();
    let daemon = Daemon::start(scratch.path());
    let built = r#"derivation {
        name = "built.nix"; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" "echo \"{ answer = 41 + 1; source = \\\"$source\\\"; }\" > $out" ];
        source = builtins.toFile "source" "text";
    }"#;
    let expr = format!(
        "let built = {built}; in {{ inherit (import built) answer; text = builtins.readFile (import built).source;
          context = builtins.length (builtins.attrNames (builtins.getContext (builtins.readFile built))); }}"
    );
    let value = daemon.eval(&["-E", &expr]).finish().success();
    assert_eq!(value, "{ answer = 42; context = 1; text = \"text\"; }");
    let broken = built.replace("echo", "exit 3; echo");
    let told = daemon
        .eval(&["-E", &format!("import ({broken})")])
        .finish()
        .failure();
    for part in [
        "-built.nix.drv^out' during evaluation, which reading '/nix/store/",
        "failed with exit code 3",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let told = daemon
        .eval(&[
            "--option",
            "allow-import-from-derivation",
            "false",
            "-E",
            &format!("import ({broken})"),
        ])
        .finish()
        .failure();
    let part = "because the option 'allow-import-from-derivation' is disabled";
    assert!(told.contains(part), "{told}");
}

#[test]
fn what_a_link_keeps() {
    let scratch = scratch();
    let store = Store::of_piton(scratch.path().join("store"));
    let link = scratch.path().join("kept");
    let name = link.to_str().expect("UTF-8");
    let expr = "map (name: derivation { inherit name; system = \"s\"; builder = \"b\"; outputs = [ \"x\" ]; }) [ \"a\" \"b\" ]";
    let printed = store
        .instantiate(&["--add-root", name, "-E", expr])
        .finish()
        .success();
    assert_eq!(printed, format!("{name}!x\n{name}-2!x"));
    for (link, name) in [
        (link.clone(), "-a.drv"),
        (scratch.path().join("kept-2"), "-b.drv"),
    ] {
        let target = fs::read_link(link).expect("a link");
        assert!(
            target.to_string_lossy().ends_with(name),
            "{}",
            target.display()
        );
    }
    let roots = scratch.path().join("store/nix/var/nix/gcroots/auto");
    assert_eq!(fs::read_dir(roots).expect("Nix looks there").count(), 2);
    let warned = store.instantiate(&["-E", expr]).finish();
    assert!(
        warned.err().contains("you did not specify '--add-root'"),
        "{}",
        warned.err()
    );
    assert_eq!(
        store
            .instantiate(&["--no-gc-warning", "-E", expr])
            .finish()
            .err(),
        ""
    );
}

/// A file of zeros that takes no room on the disk, and what Nix 2.34.8 says of it.
const LARGE: u64 = 200 << 20;
const OF_LARGE: &str = r#"{"flat":"/nix/store/a0awb3wfhdb0yi66ma6d3pbmzj12dzcw-file","folder":"/nix/store/8vbri00klbq629v21bvff6fp782mkybk-d","hash":"72abf2ca8f36943ebe2e49ca3a51d409ca5f0bfcffab6c9d25643c17c32889da","path":"/nix/store/jsj6m7047m8x6ikq6vqmca2gqybyfc5y-x","text":"/nix/store/7zccnzl8jgqpy4178272xnga82kb65r2-file"}"#;
/// How much memory that may take.
const MEMORY: u64 = 100 << 20;

#[test]
fn large_files_need_little_memory() {
    let scratch = scratch();
    let folder = scratch.path().join("d");
    fs::create_dir(&folder).expect("a folder");
    let file = fs::File::create(folder.join("file")).expect("a file");
    file.set_len(LARGE).expect("a sparse file");
    let place = folder.display();
    let all = format!(
        "let f = {place}/file; in {{
          text = \"${{f}}\";
          folder = builtins.filterSource (_: _: true) {place};
          path = builtins.path {{ path = f; name = \"x\"; }};
          flat = builtins.path {{ path = f; recursive = false; }};
          hash = builtins.hashFile \"sha256\" f;
        }}"
    );
    let text = format!("{{ text = \"${{{place}/file}}\"; }}");
    let store = scratch.path().join("store");
    let store = store.to_str().expect("UTF-8");
    for (args, expr, expected) in [
        (&[][..], &all, OF_LARGE),
        // Here it is written, too.
        (
            &["--read-write-mode", "--store", store],
            &text,
            r#"{"text":"/nix/store/7zccnzl8jgqpy4178272xnga82kb65r2-file"}"#,
        ),
    ] {
        let mut child = Command::new(piton())
            .args(["instantiate", "--eval", "--strict", "--json"])
            .args(args)
            .args(["-E", expr])
            .stdout(Stdio::piped())
            .spawn()
            .expect("piton runs");
        let mut printed = String::new();
        let mut stdout = child.stdout.take().expect("it is piped");
        std::io::Read::read_to_string(&mut stdout, &mut printed).expect("it prints text");
        let used = child.wait4().expect("it ends");
        assert!(used.status.success());
        assert_eq!(printed.trim_end(), expected);
        let peak = used.rusage.maxrss;
        assert!(peak < MEMORY, "{} MiB for {args:?}", peak >> 20);
    }
}
