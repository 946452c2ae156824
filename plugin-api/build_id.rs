// The build id that ties `piton` to its shipped sets of builtins. Included (`include!`) by the build scripts of `piton-cli`,
// `piton-pure` and `piton-impure`, which all compute the same one and hand it to their crates as `PITON_BUILD_ID`.
//
// The id is a hash of all that decides what the boundary between the two looks like and what the shipped builtins do: the
// compiler, target and profile, the sources of the plugin API and of the shipped sets, and the locked dependencies. It does
// not depend on where the sources lie, so a build is reproducible.

use std::path::{Path, PathBuf};

/// FNV-1a of 128 bits: stable over compilers, and there is no adversary here.
struct Hash(u128);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        // The length first, so that no two sequences of parts read alike.
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(*byte))
                .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    /// Files and folders, which the crate being built depends on from now on.
    fn add_sources(&mut self, root: &Path, paths: &[&str]) {
        for path in paths {
            println!("cargo:rerun-if-changed={}", root.join(path).display());
            self.add_tree(root, Path::new(path));
        }
    }

    /// A file, or all files of a folder in the order of their names; what does not exist counts as empty.
    fn add_tree(&mut self, root: &Path, path: &Path) {
        let full = root.join(path);
        if full.is_dir() {
            let mut names: Vec<_> = std::fs::read_dir(&full)
                .unwrap_or_else(|error| panic!("cannot list '{}': {error}", full.display()))
                .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
                .collect();
            names.sort();
            for name in names {
                self.add_tree(root, &path.join(name));
            }
        } else {
            self.add(path.to_string_lossy().as_bytes());
            self.add(&std::fs::read(&full).unwrap_or_default());
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The folder of the workspace: the one that holds this very file.
fn workspace() -> PathBuf {
    let start = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let found = start
        .ancestors()
        .find(|folder| folder.join("plugin-api/build_id.rs").is_file());
    found
        .expect("the crate lies in the workspace of Piton")
        .to_owned()
}

/// Computes the build id and sets `PITON_BUILD_ID` for the crate being built.
fn emit_build_id() {
    let hash = build_hash();
    println!("cargo:rustc-env=PITON_BUILD_ID={:032x}", hash.0);
}

/// The hash that is the build id.
fn build_hash() -> Hash {
    let root = workspace();
    let mut hash = Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    let rustc = std::process::Command::new(variable("RUSTC"))
        .arg("-vV")
        .output();
    hash.add(&rustc.map(|output| output.stdout).unwrap_or_default());
    for name in ["TARGET", "PROFILE", "CARGO_PKG_VERSION"] {
        hash.add(variable(name).as_bytes());
    }
    hash.add_sources(
        &root,
        &[
            "Cargo.lock",
            "plugin-api/Cargo.toml",
            "plugin-api/build_id.rs",
            "plugin-api/src",
            "plugins/pure/Cargo.toml",
            "plugins/pure/src",
            "plugins/impure/Cargo.toml",
            "plugins/impure/src",
        ],
    );
    hash
}
