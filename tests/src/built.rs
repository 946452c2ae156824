//! Building what is tested, once for each process: the workspace with the nested cargo's own freshness check, the example
//! and test plugins into a folder of their own below the target folder.

use std::collections::HashMap;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// A folder of the sources, from the root of the workspace.
pub fn source_dir(relative: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace");
    root.join(relative)
}

/// `target/<profile>`, found from where this test runs.
static PROFILE_DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = std::env::current_exe().expect("the test knows its own file");
    let deps = program.parent().expect("the test is in a folder");
    deps.parent()
        .expect("the test is in target/<profile>/deps")
        .to_owned()
});

static PITON: LazyLock<PathBuf> = LazyLock::new(|| {
    // Another build than that of this profile.
    if let Some(program) = std::env::var_os("PITON_PROGRAM") {
        return std::path::absolute(program).expect("it is a path");
    }
    let target = PROFILE_DIR
        .parent()
        .expect("target/<profile> is in a folder");
    let profile = match PROFILE_DIR.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut command = cargo();
    command.current_dir(source_dir("")).args([
        "build",
        "--workspace",
        "--quiet",
        "--profile",
        profile,
    ]);
    command.arg("--target-dir").arg(target);
    succeed(&mut command);
    PROFILE_DIR.join(format!("piton{}", std::env::consts::EXE_SUFFIX))
});

/// The program `piton`, with the shipped plugins beside it.
pub fn piton() -> &'static Path {
    &PITON
}

/// The file of a plugin that ships with Piton: `pure` or `impure`.
pub fn shipped_plugin(name: &str) -> PathBuf {
    piton().with_file_name(format!("{DLL_PREFIX}piton_{name}{DLL_SUFFIX}"))
}

/// Files that are built already, by what they are built from; the lock is held while building.
static BUILT: LazyLock<Mutex<HashMap<String, PathBuf>>> = LazyLock::new(Mutex::default);

fn once(key: String, build: impl FnOnce() -> PathBuf) -> PathBuf {
    // A build that failed has panicked with its reason; the next test that needs it tries again and fails likewise.
    let mut built = BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    built.entry(key).or_insert_with(build).clone()
}

/// Where plugins are built to.
fn plugin_dir() -> PathBuf {
    let target = PROFILE_DIR
        .parent()
        .expect("target/<profile> is in a folder");
    target.join("test-plugins")
}

/// The plugin in the crate `folder` (from the root of the workspace), whose library is called `name`.
pub fn rust_plugin(folder: &str, name: &str) -> PathBuf {
    once(folder.to_owned(), || build_crate(&source_dir(folder), name))
}

fn build_crate(folder: &Path, name: &str) -> PathBuf {
    let target = plugin_dir();
    let mut command = cargo();
    command
        .current_dir(folder)
        .args(["build", "--quiet"])
        .arg("--target-dir")
        .arg(&target);
    succeed(&mut command);
    target
        .join("debug")
        .join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// The Rust plugin that the tests of the boundary use.
pub fn test_plugin() -> PathBuf {
    rust_plugin("tests/plugins/abi-test", "abi_test")
}

/// The plugin in the file `source` (from the root of the workspace), in C; each of `defines` is set.
pub fn c_plugin(source: &str, defines: &[&str]) -> PathBuf {
    once(format!("{source} {defines:?}"), || {
        let source = source_dir(source);
        let name = source
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a source file has a name");
        let folder = plugin_dir().join("c").join(defines.join("-"));
        create_dir(&folder);
        let library = folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
        let unfinished = folder.join(format!("{name}.{}", std::process::id()));
        let mut command = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        command.args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
        ]);
        command.arg("-I").arg(source_dir("plugin-api/include"));
        command.args(defines.iter().map(|define| format!("-D{define}")));
        command.arg("-o").arg(&unfinished).arg(&source);
        succeed(&mut command);
        std::fs::rename(&unfinished, &library).expect("a library can be renamed");
        library
    })
}

fn create_dir(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn succeed(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The test plugin with a builtin whose frame is larger than the host reserves. A crate of its own: cargo puts two choices of
/// features of one library into one file.
pub fn too_big_plugin() -> PathBuf {
    once("too big".to_owned(), || {
        let folder = plugin_dir().join("too-big");
        let (source, api) = (
            source_dir("tests/plugins/abi-test/src/lib.rs"),
            source_dir("plugin-api"),
        );
        let manifest = format!(
            "[package]\nname = \"too-big\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [lib]\nname = \"too_big\"\npath = {source:?}\ncrate-type = [\"cdylib\"]\n\n\
             [features]\ndefault = [\"too-big\"]\ntoo-big = []\n\n\
             [dependencies]\npiton-plugin-api = {{ path = {api:?} }}\n\n[workspace]\n"
        );
        write(&folder.join("Cargo.toml"), &manifest);
        write(
            &folder.join("Cargo.lock"),
            &read(&source_dir("tests/plugins/abi-test/Cargo.lock")),
        );
        build_crate(&folder, "too_big")
    })
}

/// The plugin `examples/hello`, built against a plugin API in which each `(file of src, text, other text)` is replaced.
pub fn altered_plugin(changes: &[(&str, &str, &str)]) -> PathBuf {
    once(format!("altered {changes:?}"), || {
        let root = plugin_dir().join("altered");
        // A workspace of the two, with the shared dependencies and lints of the real one.
        let workspace = read(&source_dir("Cargo.toml"));
        let members = workspace
            .lines()
            .find(|line| line.starts_with("members = "))
            .expect("it has members");
        write(
            &root.join("Cargo.toml"),
            &workspace.replace(members, "members = [\"plugin-api\", \"hello\"]"),
        );
        write(
            &root.join("Cargo.lock"),
            &read(&source_dir("examples/hello/Cargo.lock")),
        );
        write(
            &root.join("plugin-api/Cargo.toml"),
            &read(&source_dir("plugin-api/Cargo.toml")),
        );
        let (from, to) = (source_dir("plugin-api/src"), root.join("plugin-api/src"));
        let sources = files_below(&from);
        for name in &sources {
            let mut source = read(&from.join(name));
            for (_, text, other) in changes
                .iter()
                .filter(|(changed, ..)| *name == Path::new(changed))
            {
                assert!(source.contains(text), "'{text}' is not in {name:?}");
                source = source.replace(text, other);
            }
            write(&to.join(name), &source);
        }
        // What was a source file once.
        for name in files_below(&to) {
            if !sources.contains(&name) {
                std::fs::remove_file(to.join(name)).expect("a file can be removed");
            }
        }
        let hello = read(&source_dir("examples/hello/Cargo.toml"))
            .replace("../../plugin-api", "../plugin-api")
            .replace("name = \"hello\"", "name = \"altered\"")
            .replace("[workspace]", "");
        write(&root.join("hello/Cargo.toml"), &hello);
        write(
            &root.join("hello/src/lib.rs"),
            &read(&source_dir("examples/hello/src/lib.rs")),
        );
        build_crate(&root.join("hello"), "altered")
    })
}

/// The files below a folder, by their paths from there.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let entries = std::fs::read_dir(folder.join(&inner)).expect("a folder can be read");
        for entry in entries {
            let entry = entry.expect("a folder can be read");
            let name = inner.join(entry.file_name());
            match entry.file_type().expect("a file has a type").is_dir() {
                true => folders.push(name),
                false => files.push(name),
            }
        }
    }
    files
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Writes a file, and its folder; one that is as it should be stays untouched, so that cargo finds nothing to do.
fn write(file: &Path, text: &str) {
    create_dir(file.parent().expect("a file is in a folder"));
    if std::fs::read_to_string(file).is_ok_and(|found| found == text) {
        return;
    }
    std::fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
