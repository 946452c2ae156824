//! `--pure` and `--no-impure`: by no route does anything of the machine reach the program.
//!
//! Each route is tried in a folder with an entry file; beside that folder lies a secret. A route may fail or answer something
//! harmless; the secret in its output is the failure.

use piton_tests::run::{Finished, piton_run, text};
use piton_tests::{c_plugin, test_plugin};
use std::fs::{create_dir_all, write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SECRET: &str = "do-not-tell-4711";

/// A tree with the evaluated folder `root` and, beside it, `outside`.
struct Tree {
    folder: TempDir,
}

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let tree = Tree { folder };
        let (root, outside) = (tree.root(), tree.outside());
        create_dir_all(root.join("sub")).expect("a folder can be made");
        create_dir_all(&outside).expect("a folder can be made");
        let file = |path: PathBuf, text: &str| write(path, text).expect("a file can be written");
        file(outside.join("secret.nix"), &format!("\"{SECRET}\""));
        file(outside.join("secret.txt"), SECRET);
        file(outside.join("default.nix"), &format!("\"{SECRET}\""));
        file(root.join("value.nix"), "{ answer = 42; }");
        file(root.join("sub/default.nix"), "import ../value.nix");
        file(root.join("text.txt"), "harmless");
        let link =
            |to: &Path, name: &str| symlink(to, root.join(name)).expect("a link can be made");
        link(&outside.join("secret.nix"), "link.nix");
        link(&outside, "link");
        link(Path::new("../outside"), "relative-link");
        link(Path::new("link"), "link-to-link");
        link(Path::new("value.nix"), "inner-link.nix");
        link(Path::new("/"), "slash");
        tree
    }

    fn root(&self) -> PathBuf {
        self.real().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.real().join("outside")
    }

    /// The folder by its real path: the system's folder for such may be a link.
    fn real(&self) -> PathBuf {
        self.folder
            .path()
            .canonicalize()
            .expect("the folder is there")
    }

    /// Evaluates an entry file with this text.
    fn run(&self, args: &[&str], source: &str) -> Finished {
        let source = source.replace("$OUTSIDE", text(&self.outside()));
        let run = piton_run(["eval", "--strict"]).args(args);
        let run = if args.iter().any(|arg| arg.ends_with("pure-eval")) {
            // There the entry file itself is out of reach.
            let source = source.replace("./", &format!("{}/", self.root().display()));
            run.args(["--expr", &source])
        } else {
            let entry = self.root().join("entry.nix");
            write(&entry, source).expect("a file can be written");
            run.arg(&entry)
        };
        run.env("SECRET", SECRET)
            .env(
                "NIX_PATH",
                format!(
                    "outside={}:{}",
                    self.outside().display(),
                    self.real().display()
                ),
            )
            .env("HOME", self.outside())
            .dir(self.outside())
            .finish()
    }

    /// Fails if the secret shows.
    fn tells_nothing(&self, args: &[&str], source: &str) -> Finished {
        let finished = self.run(args, source);
        let said = format!("{}{}", finished.out(), finished.err());
        assert!(!said.contains(SECRET), "{args:?} {source} told:\n{said}");
        assert!(
            [0, 1].contains(&finished.status),
            "{source}: status {}",
            finished.status
        );
        finished
    }

    /// Fails unless it is refused.
    fn is_refused(&self, args: &[&str], source: &str) -> String {
        self.tells_nothing(args, source).failure()
    }
}

/// The modes that must keep the secret.
const MODES: &[&[&str]] = &[
    &["--pure"],
    &["--no-impure"],
    &["--pure", "--no-impure"],
    &["--pure-eval"],
    &["--option", "pure-eval", "true"],
];
/// Those of them in which the tree of the entry file may be read.
const WITH_TREE: &[&[&str]] = &[&["--pure"], &["--no-impure"], &["--pure", "--no-impure"]];

/// Routes to files outside of the tree, all of which must be refused.
const FILES: &[&str] = &[
    "import $OUTSIDE/secret.nix",
    "import $OUTSIDE",
    "import ../outside/secret.nix",
    "import ../outside",
    "import ./sub/../../outside/secret.nix",
    "import (./. + \"/../outside/secret.nix\")",
    "import (toString ../outside/secret.nix)",
    "import \"$OUTSIDE/secret.nix\"",
    "import { outPath = \"$OUTSIDE/secret.nix\"; }",
    "import { outPath = $OUTSIDE/secret.nix; }",
    "import { __toString = _: \"$OUTSIDE/secret.nix\"; }",
    "map import [ $OUTSIDE/secret.nix ]",
    "(builtins.elemAt [ import ] 0) $OUTSIDE/secret.nix",
    "builtins.import $OUTSIDE/secret.nix",
    "builtins.builtins.import $OUTSIDE/secret.nix",
    "builtins.scopedImport { } $OUTSIDE/secret.nix",
    "builtins.scopedImport { import = import; } $OUTSIDE/secret.nix",
    "scopedImport { } ./link.nix",
    "import ./link.nix",
    "import ./link/secret.nix",
    "import ./link",
    "import ./relative-link/secret.nix",
    "import ./link-to-link/secret.nix",
    "import (./slash + \"$OUTSIDE/secret.nix\")",
    "import (./link + \"/../outside/secret.nix\")",
    "import <outside/secret.nix>",
    "import <outside>",
    "import <root/../outside/secret.nix>",
    "import ~/secret.nix",
    "import /proc/self/cwd/secret.nix",
    "import /proc/self/root/$OUTSIDE/secret.nix",
    "builtins.readFile $OUTSIDE/secret.txt",
    "__readFile $OUTSIDE/secret.txt",
    "builtins.readFile ./link/secret.txt",
    "builtins.readFile \"$OUTSIDE/secret.txt\"",
    "builtins.readFile ./link.nix",
    "builtins.hashFile \"sha256\" $OUTSIDE/secret.txt",
    "builtins.hashFile \"sha256\" ./link/secret.txt",
    "builtins.readDir $OUTSIDE",
    "builtins.readDir ./link",
    "builtins.readDir ./..",
    "builtins.readDir /",
    "builtins.readFileType $OUTSIDE/secret.txt",
    "builtins.readFileType ./link/secret.txt",
    "builtins.findFile [ { prefix = \"\"; path = \"$OUTSIDE\"; } ] \"secret.nix\"",
    "builtins.findFile [ { prefix = \"x\"; path = $OUTSIDE; } ] \"x/secret.nix\"",
    "builtins.readFile /etc/passwd",
    "builtins.readFile /proc/self/environ",
    "builtins.path { path = $OUTSIDE/secret.txt; }",
    "builtins.filterSource (p: t: true) $OUTSIDE",
    "\"${$OUTSIDE/secret.txt}\"",
    "builtins.toJSON $OUTSIDE/secret.txt",
    "builtins.storePath $OUTSIDE/secret.txt",
];

#[test]
fn no_file_outside_of_the_tree_is_read() {
    let tree = Tree::new();
    for mode in MODES {
        for route in FILES {
            tree.is_refused(mode, route);
        }
    }
}

#[test]
fn whether_a_file_exists_is_not_told() {
    let tree = Tree::new();
    for mode in MODES {
        for route in [
            "builtins.pathExists $OUTSIDE/secret.txt",
            "builtins.pathExists ./link/secret.txt",
            "builtins.pathExists \"$OUTSIDE/secret.txt\"",
            "builtins.pathExists /etc/passwd",
            "builtins.pathExists /etc/",
        ] {
            let finished = tree.tells_nothing(mode, route);
            assert_ne!(finished.out(), "true", "{mode:?} {route}");
        }
    }
}

#[test]
fn a_refusal_says_why() {
    let tree = Tree::new();
    let err = tree.is_refused(&["--pure"], "import $OUTSIDE/secret.nix");
    let message = format!(
        "access to absolute path '{}' is forbidden in pure evaluation mode (use '--impure' to override)",
        tree.outside().join("secret.nix").display()
    );
    assert!(err.contains(&message), "{err}");
    let err = tree.is_refused(&["--pure"], "import ./link.nix");
    assert!(
        err.contains("is forbidden in pure evaluation mode"),
        "{err}"
    );
    let err = tree.is_refused(&["--no-impure"], "import $OUTSIDE/secret.nix");
    assert!(err.contains("--no-impure"), "{err}");
}

#[test]
fn a_refusal_cannot_be_caught() {
    let tree = Tree::new();
    for mode in MODES {
        tree.is_refused(mode, "builtins.tryEval (import $OUTSIDE/secret.nix)");
        tree.is_refused(
            mode,
            "(builtins.tryEval (builtins.deepSeq (builtins.readDir $OUTSIDE) 1)).success",
        );
    }
}

#[test]
fn neither_environment_nor_clock_nor_system_is_told() {
    let tree = Tree::new();
    for mode in MODES {
        for route in [
            "builtins.getEnv \"SECRET\"",
            "__getEnv \"SECRET\"",
            "builtins.builtins.getEnv \"SECRET\"",
            "map builtins.getEnv [ \"SECRET\" \"HOME\" \"NIX_PATH\" ]",
            "(builtins.intersectAttrs { getEnv = 1; } builtins).getEnv or (_: \"\") \"SECRET\"",
            "builtins.scopedImport { } ./get-env.nix",
            "builtins.nixPath",
            "__nixPath",
            "builtins.toString ~/.",
        ] {
            write(tree.root().join("get-env.nix"), "__getEnv \"SECRET\"")
                .expect("a file can be written");
            let finished = tree.tells_nothing(mode, route);
            assert!(
                !finished.out().contains(text(&tree.outside())),
                "{mode:?} {route}: {}",
                finished.out()
            );
        }
        for route in [
            "builtins.currentTime",
            "__currentTime",
            "builtins.builtins.currentTime",
            "builtins.currentSystem",
            "__currentSystem",
            "builtins.getAttr \"currentTime\" builtins",
            "builtins.getAttr \"currentSystem\" builtins",
            "let inherit (builtins) currentTime; in currentTime",
            "with builtins; currentSystem",
        ] {
            tree.is_refused(mode, route);
        }
        assert_eq!(
            tree.run(
                mode,
                "[ (builtins ? currentTime) (builtins ? currentSystem) ]"
            )
            .success(),
            "[ false false ]"
        );
        assert_eq!(
            tree.run(mode, "builtins.currentTime or \"none\"").success(),
            "\"none\""
        );
    }
}

#[test]
fn the_tree_of_the_entry_file_is_read() {
    let tree = Tree::new();
    for mode in WITH_TREE {
        assert_eq!(
            tree.run(mode, "(import ./value.nix).answer").success(),
            "42"
        );
        assert_eq!(tree.run(mode, "(import ./sub).answer").success(), "42");
        assert_eq!(
            tree.run(mode, "(import (./. + \"/sub/default.nix\")).answer")
                .success(),
            "42"
        );
        assert_eq!(
            tree.run(mode, "(import ./inner-link.nix).answer").success(),
            "42"
        );
        assert_eq!(
            tree.run(
                mode,
                "(builtins.scopedImport { x = 1; } ./value.nix).answer"
            )
            .success(),
            "42"
        );
    }
    assert_eq!(
        tree.run(&["--pure"], "builtins.readFile ./text.txt")
            .success(),
        "\"harmless\""
    );
    assert_eq!(
        tree.run(&["--pure"], "builtins.readDir ./sub").success(),
        "{ \"default.nix\" = \"regular\"; }"
    );
    assert_eq!(
        tree.run(&["--pure"], "builtins.pathExists ./nothing")
            .success(),
        "false"
    );
}

#[test]
fn without_a_mode_all_of_it_is_told() {
    // Otherwise the tests above test nothing.
    let tree = Tree::new();
    let told = format!("\"{SECRET}\"");
    for source in [
        "import ../outside",
        "import ./link",
        "import ./link-to-link/secret.nix",
        "import <outside>",
        "builtins.readFile ./link/secret.txt",
        "builtins.getEnv \"SECRET\"",
        "import /proc/self/cwd/secret.nix",
        "import ~/secret.nix",
    ] {
        assert_eq!(tree.run(&[], source).success(), told, "{source}");
    }
    assert_eq!(
        tree.run(
            &[],
            "builtins.pathExists ../outside && builtins.currentTime > 1600000000"
        )
        .success(),
        "true"
    );
}

#[test]
fn an_expression_on_the_command_line_has_no_tree() {
    let tree = Tree::new();
    for mode in MODES {
        let finished = piton_run(["eval"])
            .args(*mode)
            .args(["--expr", "import ./secret.nix"])
            .dir(tree.outside())
            .finish();
        if mode.contains(&"--no-impure") && !mode.contains(&"--pure") {
            // There it is the current folder, which the user has chosen.
            continue;
        }
        assert!(!finished.out().contains(SECRET), "{mode:?}");
        finished.failure();
    }
}

#[test]
fn without_the_impure_set_its_builtins_are_absent() {
    let tree = Tree::new();
    let names = "[ \"readFile\" \"readDir\" \"pathExists\" \"getEnv\" \"currentTime\" \"trace\" \"findFile\" \"hashFile\" ]";
    let source = format!("builtins.filter (name: builtins.hasAttr name builtins) {names}");
    assert_eq!(tree.run(&["--no-impure"], &source).success(), "[ ]");
    assert_eq!(
        tree.run(&["--no-impure"], "map (x: x + 1) [ 1 2 ]")
            .success(),
        "[ 2 3 ]"
    );
    for (expr, message) in [
        ("__readFile ./text.txt", "undefined variable '__readFile'"),
        (
            "builtins.readFile ./text.txt",
            "attribute 'readFile' missing",
        ),
    ] {
        let err = tree.is_refused(&["--no-impure"], expr);
        assert!(err.contains(message), "{err}");
        assert!(
            err.contains("hint: --no-impure leaves out the builtins that read files"),
            "{err}"
        );
    }
    let err = tree.is_refused(&["--pure"], "builtins.currentTime");
    assert!(
        err.contains("hint: 'currentTime' needs the capability 'clock'"),
        "{err}"
    );
}

#[test]
fn a_plugin_with_impure_builtins_is_refused_in_pure_evaluation() {
    let tree = Tree::new();
    let plugin = test_plugin();
    let err = tree.is_refused(&["--pure", "--plugin", text(&plugin)], "1");
    assert!(err.contains("'hasClock'") && err.contains("clock"), "{err}");
    let harmless = c_plugin("tests/plugins/c/valid.c", &[]);
    assert_eq!(
        tree.run(&["--pure", "--plugin", text(&harmless)], "builtins.probe 1")
            .success(),
        "1"
    );
    assert_eq!(
        tree.run(
            &["--no-impure", "--plugin", text(&harmless)],
            "builtins.probe 1"
        )
        .success(),
        "1"
    );
}

#[test]
fn restricted_evaluation_reads_the_search_path_alone() {
    let tree = Tree::new();
    let args = [
        "--option",
        "restrict-eval",
        "true",
        "-I",
        text(&tree.root()).to_owned().leak(),
    ];
    for route in [
        "import $OUTSIDE/secret.nix",
        "builtins.readFile ./link/secret.txt",
        "import ../outside",
    ] {
        // The search path holds the outside, too: not through NIX_PATH here.
        let entry = tree.root().join("entry.nix");
        write(&entry, route.replace("$OUTSIDE", text(&tree.outside())))
            .expect("a file can be written");
        let finished = piton_run(["eval"]).args(args).arg(&entry).finish();
        assert!(!finished.out().contains(SECRET), "{route}");
        assert!(
            finished
                .failure()
                .contains("is forbidden in restricted mode"),
            "{route}"
        );
    }
    let entry = tree.root().join("entry.nix");
    write(&entry, "(import ./sub).answer").expect("a file can be written");
    assert_eq!(
        piton_run(["eval"])
            .args(args)
            .arg(&entry)
            .finish()
            .success(),
        "42"
    );
}
