//! Fetchers of archives, files and folders, against a server on this machine. Store paths and hashes are those that Nix 2.34.8 computes.

use piton_tests::fetching::{Place, archive};
use piton_tests::run::text;
use piton_tests::server::{Answer, Server};
use piton_tests::{main_message, source_dir};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// The tree in the archives in `data/archives`.
const TREE: &str = "/nix/store/p4qqcfbffkbyayc2j6q1mjhaisxmdkxi-source";
const TREE_HASH: &str = "sha256-A5CosdYjbzoaCqz/ure5k0ye+0RZH6ScjY8NDqLm6YE=";
const TREE_SHA256: &str = "10g9wsi0w3cginfa87sr8kxrwk4kp6vvmzxc18d3lvr3ssqsi403";
/// `top.tar.gz` as a file.
const FILE: &str = "/nix/store/m1g0fzz2vclkm3fs8ag5nxfl64idy8qw-top.tar.gz";
const FILE_SHA256: &str = "1fg5b6fvzxhx8pvjmwmnyzaxbn7ki45wdc9axll3rv3mfbfjxnij";

#[test]
fn every_packing_holds_the_same_tree() {
    let place = Place::new();
    for extension in ["tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst"] {
        let url = place.url(&format!("/top.{extension}"));
        let expr = format!("builtins.fetchTarball \"{url}\"");
        assert_eq!(place.eval(&expr), format!("\"{TREE}\""), "{extension}");
        let file = source_dir("tests/data/archives").join(format!("top.{extension}"));
        let expr = format!(
            "(builtins.fetchTree \"tarball+file://{}\").outPath",
            file.display()
        );
        assert_eq!(place.eval(&expr), format!("\"{TREE}\""), "{extension}");
    }
}

#[test]
fn what_is_known_of_a_tree() {
    let place = Place::new();
    let expr = format!(
        "builtins.fetchTree {{ type = \"tarball\"; url = \"{}\"; }}",
        place.url("/top.tar.gz")
    );
    let expected = format!(
        "{{ lastModified = 1600000000; lastModifiedDate = \"20200913122640\"; narHash = \"{TREE_HASH}\"; outPath = \"{TREE}\"; }}"
    );
    assert_eq!(place.eval(&expr), expected);
    // What was fetched can be read, and is a thing of the store.
    let tree = format!("builtins.fetchTarball \"{}\"", place.url("/top.tar.gz"));
    for (expr, expected) in [
        (
            format!("builtins.readFile (({tree}) + \"/a\")"),
            "\"hi\\n\"",
        ),
        (
            format!("builtins.readDir ({tree})"),
            "{ a = \"regular\"; empty = \"directory\"; l = \"symlink\"; run = \"regular\"; sub = \"directory\"; }",
        ),
        (format!("builtins.hasContext ({tree})"), "true"),
    ] {
        assert_eq!(place.eval(&expr), expected, "{expr}");
    }
}

#[test]
fn files() {
    let place = Place::new();
    let url = place.url("/top.tar.gz");
    assert_eq!(
        place.eval(&format!("builtins.fetchurl \"{url}\"")),
        format!("\"{FILE}\"")
    );
    let expr = format!("builtins.fetchTree {{ type = \"file\"; url = \"{url}\"; }}");
    assert_eq!(
        place.eval(&expr),
        "{ narHash = \"sha256-vr7RpThuOaQ8kWUKXXB4yeHk9ltCoYWpDucdyLlwkQQ=\"; \
         outPath = \"/nix/store/0fd8mh5b8zx654wxmbj1xz30sjz7pscx-source\"; }"
    );
    let expr = format!(
        "builtins.fetchurl {{ url = \"{url}?x=y\"; sha256 = \"{FILE_SHA256}\"; name = \"top.tar.gz\"; }}"
    );
    assert_eq!(place.eval(&expr), format!("\"{FILE}\""), "by hash alone");
}

#[test]
fn over_tls() {
    let place = Place::with(Server::https());
    let url = place.url("/top.tar.gz");
    assert!(url.starts_with("https://"), "{url}");
    let write = |name: &str, text: &str| {
        let path = place.folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let trusted = write("trusted.pem", place.server.authority());
    let other = write("other.pem", Server::https().authority());
    let empty = write("empty.pem", "");
    let file = format!("builtins.fetchurl \"{url}\"");
    let tree = format!("builtins.fetchTarball \"{url}\"");
    let run = |variable: &str, certificates: &std::path::Path, expr: &str| {
        let cache = tempfile::tempdir().expect("a folder");
        let run = place.run(&["--expr", expr]).env(variable, certificates);
        run.env("XDG_CACHE_HOME", cache.path()).finish()
    };
    for variable in ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"] {
        assert_eq!(
            run(variable, &trusted, &file).success(),
            format!("\"{FILE}\"")
        );
        assert_eq!(
            run(variable, &trusted, &tree).success(),
            format!("\"{TREE}\"")
        );
    }
    place.server.requests();
    let fails = |certificates: &std::path::Path, expr: &str| {
        let report = run("NIX_SSL_CERT_FILE", certificates, expr).failure();
        main_message(&report).unwrap_or_else(|| panic!("no message:\n{report}"))
    };
    let message = format!(
        "unable to download '{url}': the certificate of the server is not trusted: UnknownIssuer"
    );
    assert_eq!(fails(&other, &file), message);
    assert_eq!(fails(&other, &tree), message);
    // With those of the system, or of the library.
    assert_eq!(place.fails(&[], &file), message);
    let localhost = file.replace("127.0.0.1", "localhost");
    let message = fails(&trusted, &localhost);
    assert!(
        message.contains("is not trusted: certificate not valid for name \"localhost\""),
        "{message}"
    );
    for missing in [empty, place.folder.path().join("missing.pem")] {
        let message = fails(&missing, &file);
        let expected = format!("there are no certificates in '{}'", missing.display());
        assert!(message.ends_with(&expected), "{message}");
    }
    assert_eq!(
        place.server.requests(),
        [""; 0],
        "nothing is said to who is not trusted"
    );
}

#[test]
fn wrong_hashes() {
    let place = Place::new();
    let url = place.url("/top.tar.gz");
    let zeros = "0".repeat(52);
    for (builtin, got) in [("fetchTarball", TREE_SHA256), ("fetchurl", FILE_SHA256)] {
        let expr = format!("builtins.{builtin} {{ url = \"{url}\"; sha256 = \"{zeros}\"; }}");
        let report = place.finish(&[], &expr).failure();
        let expected = format!(
            "error: hash mismatch in file downloaded from '{url}':\n         specified: sha256:{zeros}\n         got:       sha256:{got}\n"
        );
        assert!(report.contains(&expected), "{report}");
    }
    let wrong = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let expr = format!(
        "builtins.fetchTree {{ type = \"tarball\"; url = \"{url}\"; narHash = \"{wrong}\"; }}"
    );
    let shown = format!("{url}?narHash=sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D");
    let report = place.finish(&[], &expr).failure();
    assert!(
        report.contains(&format!("… while fetching the input '{shown}'\n")),
        "{report}"
    );
    assert_eq!(
        main_message(&report).as_deref(),
        Some(&*format!(
            "NAR hash mismatch in input '{shown}', expected '{wrong}' but got '{TREE_HASH}'"
        ))
    );
    // An empty hash is one that nobody has; what it should be is told.
    let expr = format!("builtins.fetchurl {{ url = \"{url}\"; sha256 = \"\"; }}");
    let report = place.finish(&[], &expr).failure();
    assert!(
        report.contains(&format!("found empty hash, assuming '{wrong}'")),
        "{report}"
    );
    assert!(
        report.contains(&format!("got:       sha256:{FILE_SHA256}")),
        "{report}"
    );
    // tryEval does not hide it.
    let expr = format!(
        "builtins.tryEval (builtins.fetchurl {{ url = \"{url}\"; sha256 = \"{zeros}\"; }})"
    );
    assert!(place.fails(&[], &expr).starts_with("hash mismatch"));
}

#[test]
fn what_was_fetched_is_not_fetched_again() {
    let place = Place::new();
    let url = place.url("/top.tar.gz");
    let tree = format!("builtins.fetchTarball \"{url}\"");
    let file = format!("builtins.fetchurl \"{url}\"");
    place.eval(&tree);
    place.eval(&file);
    assert_eq!(place.server.requests(), ["/top.tar.gz", "/top.tar.gz"]);
    place.eval(&tree);
    place.eval(&file);
    // By its hash it is found under another URL, too, and where nobody answers; also in pure evaluation.
    let nowhere = "http://127.0.0.1:1/x.tar.gz";
    let locked =
        format!("builtins.fetchTarball {{ url = \"{nowhere}\"; sha256 = \"{TREE_SHA256}\"; }}");
    let locked_file = format!(
        "builtins.fetchurl {{ url = \"{nowhere}\"; sha256 = \"{FILE_SHA256}\"; name = \"top.tar.gz\"; }}"
    );
    let locked_tree = format!(
        "(builtins.fetchTree {{ type = \"tarball\"; url = \"{url}\"; narHash = \"{TREE_HASH}\"; }}).outPath"
    );
    for mode in ["--impure", "--pure", "--pure-eval"] {
        for (expr, expected) in [(&locked, TREE), (&locked_file, FILE), (&locked_tree, TREE)] {
            let got = place.finish(&[mode], expr).success();
            assert_eq!(got, format!("\"{expected}\""), "{mode} {expr}");
        }
        let expr = format!("builtins.readFile ({locked} + \"/a\")");
        assert_eq!(
            place.finish(&[mode], &expr).success(),
            "\"hi\\n\"",
            "{mode}"
        );
    }
    assert_eq!(place.server.requests(), [""; 0]);
}

#[test]
fn pure_evaluation_fetches_what_is_locked() {
    let place = Place::new();
    let url = place.url("/top.tar.gz");
    let zeros = "0".repeat(40);
    for mode in ["--pure", "--pure-eval"] {
        for (expr, message) in [
            (
                format!("builtins.fetchurl \"{url}\""),
                "in pure evaluation mode, 'fetchurl' requires a 'sha256' argument".to_owned(),
            ),
            (
                format!("builtins.fetchTarball \"{url}\""),
                "in pure evaluation mode, 'fetchTarball' requires a 'sha256' argument".to_owned(),
            ),
            (
                format!("builtins.fetchTree \"{url}\""),
                format!(
                    "in pure evaluation mode, 'fetchTree' doesn't fetch unlocked input '{url}'"
                ),
            ),
            (
                "builtins.fetchTree \"path:/etc\"".to_owned(),
                "in pure evaluation mode, 'fetchTree' doesn't fetch unlocked input 'path:/etc'"
                    .to_owned(),
            ),
            (
                format!("builtins.fetchGit {{ url = \"/r\"; rev = \"{zeros}\"; }}"),
                format!(
                    "in pure evaluation mode, 'fetchGit' doesn't fetch unlocked input 'git+file:///r?exportIgnore=1&rev={zeros}'"
                ),
            ),
        ] {
            assert_eq!(place.fails(&[mode], &expr), message, "{mode}");
        }
        assert_eq!(place.server.requests(), [""; 0], "{mode}");
    }
    let expr = format!("builtins.fetchTarball {{ url = \"{url}\"; sha256 = \"{TREE_SHA256}\"; }}");
    assert_eq!(
        place.finish(&["--pure"], &expr).success(),
        format!("\"{TREE}\"")
    );
    assert_eq!(place.server.requests(), ["/top.tar.gz"]);
    // What was fetched may be read; what lies beside it in the cache may not.
    let cache = place.folder.path().join("cache");
    let expr = format!("builtins.readDir \"{}\"", cache.display());
    assert!(
        place
            .fails(&["--pure"], &expr)
            .contains("is forbidden in pure evaluation mode")
    );
    let expr = format!("builtins.fetchurl \"{url}\"");
    let message = place.finish(&["--no-impure"], &expr).failure();
    assert!(
        message.contains("attribute 'fetchurl' missing"),
        "{message}"
    );
}

#[test]
fn restricted_evaluation_fetches_from_the_search_path() {
    let place = Place::new();
    let url = place.url("/top.tar.gz");
    assert_eq!(
        place.fails(
            &["--restrict-eval"],
            &format!("builtins.fetchurl \"{url}\"")
        ),
        format!("access to URI '{url}' is forbidden in restricted mode")
    );
    let file = source_dir("tests/data/archives").join("top.tar.gz");
    let expr = format!("builtins.fetchurl \"file://{}\"", file.display());
    assert_eq!(
        place.fails(&["--restrict-eval"], &expr),
        format!(
            "access to absolute path '{}' is forbidden in restricted mode",
            file.display()
        )
    );
    let folder = file.parent().expect("a folder");
    let args = ["--restrict-eval", "-I", text(folder)];
    assert_eq!(place.finish(&args, &expr).success(), format!("\"{FILE}\""));
    // A link does not lead out of it.
    let open = place.folder.path().join("open");
    fs::create_dir(&open).expect("a folder");
    symlink(&file, open.join("link")).expect("a link");
    let expr = format!("builtins.fetchurl \"file://{}/link\"", open.display());
    let message = place.fails(&["--restrict-eval", "-I", text(&open)], &expr);
    assert!(
        message.ends_with("is forbidden in restricted mode"),
        "{message}"
    );
}

#[test]
fn answers_of_servers() {
    let place = Place::new();
    let url = place.url("/none");
    let report = place
        .finish(&[], &format!("builtins.fetchurl \"{url}\""))
        .failure();
    let expected = format!(
        "error: unable to download '{url}': HTTP error 404\n\n       response body:\n\n       nothing here\n"
    );
    assert!(report.contains(&expected), "{report}");
    let mut moved = Answer::file("").header(&format!("Location: {}", place.url("/top.tar.gz")));
    moved.status = "302 Found";
    place.server.put("/moved.tar.gz", moved);
    let expr = format!("builtins.fetchTarball \"{}\"", place.url("/moved.tar.gz"));
    assert_eq!(place.eval(&expr), format!("\"{TREE}\""));
    let mut circle = Answer::file("").header(&format!("Location: {}", place.url("/circle")));
    circle.status = "302 Found";
    place.server.put("/circle", circle);
    let expr = format!("builtins.fetchurl \"{}\"", place.url("/circle"));
    assert!(place.fails(&[], &expr).starts_with("unable to download"));
    let expr = "builtins.fetchurl \"http://127.0.0.1:1/x\"";
    assert!(
        place
            .fails(&[], expr)
            .contains("Could not connect to server (7)")
    );
    // A URL that leads to this version for ever becomes part of what is known.
    let link = format!(
        "Link: <{}?rev=abc>; rel=\"immutable\"",
        place.url("/top.tar.gz")
    );
    place.server.put(
        "/latest.tar.gz",
        Answer::file(archive("tar.gz")).header(&link),
    );
    let expr = format!("builtins.fetchTree \"{}\"", place.url("/latest.tar.gz"));
    assert!(place.eval(&expr).contains("rev = \"abc\""));
}

#[test]
fn a_version_that_is_known_is_not_sent_again() {
    let place = Place::new();
    let answer = Answer::file(archive("tar.gz")).header("ETag: \"v1\"");
    place.server.put("/tagged.tar.gz", answer);
    let expr = format!("builtins.fetchTarball \"{}\"", place.url("/tagged.tar.gz"));
    place.eval(&expr);
    // As if an hour had passed.
    let records = place.folder.path().join("cache/piton/fetched-1/records");
    for record in fs::read_dir(records).expect("records") {
        let path = record.expect("a record").path();
        let text = fs::read_to_string(&path).expect("a record");
        let start = text.find("\"time\":").expect("the time of the record") + 7;
        let end = text[start..].find(['}', ',']).expect("its end") + start;
        fs::write(&path, format!("{}1{}", &text[..start], &text[end..])).expect("a record");
    }
    assert_eq!(place.eval(&expr), format!("\"{TREE}\""));
    assert_eq!(
        place.server.requests(),
        ["/tagged.tar.gz", "/tagged.tar.gz (known)"]
    );
}

#[test]
fn what_is_no_archive() {
    let place = Place::new();
    let whole = archive("tar.gz");
    place
        .server
        .put("/half.tar.gz", Answer::file(&whole[..whole.len() / 2]));
    place.server.put("/text.tar", Answer::file("hello"));
    place.server.put("/empty.tar", Answer::file(""));
    for name in ["/half.tar.gz", "/text.tar", "/empty.tar"] {
        let expr = format!("builtins.fetchTarball \"{}\"", place.url(name));
        assert!(
            place
                .fails(&[], &expr)
                .starts_with("Failed to open archive ("),
            "{name}"
        );
        // A failure leaves nothing behind that would be taken for the tree.
        assert!(
            place
                .fails(&[], &expr)
                .starts_with("Failed to open archive ("),
            "{name} again"
        );
    }
    let folder = place.folder.path();
    for (path, message) in [
        (folder.join("none.tar"), "does not exist."),
        (folder.to_owned(), "is a directory, not a file."),
    ] {
        let expr = format!("builtins.fetchTarball \"file://{}\"", path.display());
        assert!(place.fails(&[], &expr).ends_with(message));
    }
}

#[test]
fn paths() {
    let place = Place::new();
    let tree = place.folder.path().join("tree");
    fs::create_dir_all(tree.join("sub")).expect("a folder");
    fs::create_dir(tree.join("empty")).expect("a folder");
    fs::write(tree.join("a"), "hi\n").expect("a file");
    fs::write(tree.join("run"), "#!/bin/sh\n").expect("a file");
    fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o755)).expect("a file");
    symlink("a", tree.join("l")).expect("a link");
    let expr = format!("builtins.fetchTree \"path:{}\"", tree.display());
    assert_eq!(
        place.eval(&format!("({expr}).outPath")),
        format!("\"{TREE}\"")
    );
    let locked = format!(
        "(builtins.fetchTree {{ type = \"path\"; path = \"{}\"; narHash = \"{TREE_HASH}\"; lastModified = 7; }})",
        tree.display()
    );
    let printed = place.finish(&["--pure"], &locked).success();
    assert!(
        printed.contains(TREE) && printed.contains("lastModified = 7;"),
        "{printed}"
    );
    fs::write(tree.join("a"), "changed").expect("a file");
    assert!(
        place
            .fails(&["--pure"], &locked)
            .starts_with("NAR hash mismatch in input")
    );
}
