//! What is run: the small programs beside this file, a text that is generated, and what needs a checkout of a package set.

use crate::options::Options;
use piton_tests::source_dir;
use std::fmt::Write as _;
use std::fs::{read_dir, write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Sizes are multiples of this for workloads that have a largest size.
const EIGHTHS: u32 = 8;

/// Something to run, in several sizes.
pub struct Workload {
    /// What the table calls it.
    pub name: String,
    file: File,
    /// Arguments for the function in the file.
    arguments: Vec<String>,
    /// Its size where it is compared with peers.
    pub scale: u32,
    /// Its smallest size where growth is measured, if it has more than one: the others are multiples.
    pub smallest: Option<u32>,
}

enum File {
    /// A function of its size.
    Function(PathBuf),
    /// Written for each size, into this folder.
    Generated(PathBuf),
}

impl Workload {
    /// The arguments for a run of this size, as `nix-instantiate` takes them.
    pub fn arguments(&self, scale: u32) -> Vec<String> {
        let mut arguments = vec!["--eval".to_owned(), "--strict".to_owned()];
        let file = match &self.file {
            File::Function(file) => {
                arguments.extend(["--arg".to_owned(), "scale".to_owned(), scale.to_string()]);
                arguments.extend(self.arguments.iter().cloned());
                file.clone()
            }
            File::Generated(folder) => literals(folder, scale),
        };
        arguments.push(text(&file));
        arguments
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("paths are UTF-8").to_owned()
}

/// All workloads that were asked for; what has to be written goes into `scratch`.
pub fn workloads(options: &Options, piton: &Path, scratch: &TempDir) -> Vec<Workload> {
    let wanted = |name: &str| options.names.is_empty() || options.names.iter().any(|it| it == name);
    let mut all = Vec::new();
    let folder = source_dir("tests/benches/programs");
    for entry in read_dir(&folder).expect("the programs are there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "nix") {
            all.push(Workload {
                name: text(path.file_stem().unwrap_or_default().as_ref()),
                file: File::Function(path),
                arguments: Vec::new(),
                scale: options.scale,
                smallest: Some(options.scale),
            });
        }
    }
    all.push(Workload {
        name: "literals".to_owned(),
        file: File::Generated(scratch.path().to_owned()),
        arguments: Vec::new(),
        scale: options.scale,
        smallest: Some(options.scale),
    });
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.retain(|workload| wanted(&workload.name));
    if let Some(packages) = &options.packages {
        for (name, scales) in [
            ("package-set", true),
            ("one-package", false),
            ("modules", true),
        ] {
            if !wanted(name) {
                continue;
            }
            let mut arguments = ["--arg", "packages", &text(packages)]
                .map(str::to_owned)
                .to_vec();
            if name == "package-set" {
                let names = match &options.package_names {
                    Some(names) => names.clone(),
                    None => names_that_evaluate(piton, packages, scratch),
                };
                arguments.extend(["--argstr", "names", &text(&names)].map(str::to_owned));
            }
            all.push(Workload {
                name: name.to_owned(),
                file: File::Function(source_dir(&format!("tests/benches/packages/{name}.nix"))),
                arguments,
                scale: EIGHTHS,
                smallest: scales.then_some(1),
            });
        }
    }
    assert!(!all.is_empty(), "there is no such workload");
    all
}

/// A list of many sets, all of it literal: what is read, compiled and made once.
fn literals(folder: &Path, scale: u32) -> PathBuf {
    let file = folder.join(format!("literals-{scale}.nix"));
    if !file.exists() {
        let mut text = "builtins.length (builtins.filter (entry: entry.enable) [\n".to_owned();
        for i in 0..5000 * scale {
            writeln!(
                text,
                "  {{ name = \"entry-{i}\"; enable = {}; values = [ {i} 2.5 null ''indented'' ./a/path ];\n    \
                 nested.deep.value = {{ number = -{i}; text = \"with \\\"quotes\\\"\"; }}; f = x: x + {i}; }}",
                i % 3 == 0
            )
            .expect("memory can be written");
        }
        text.push_str("])\n");
        write(&file, text).expect("the folder is ours");
    }
    file
}

/// The names of the packages that are derivations and evaluate, in a file. An error that cannot be caught ends an evaluation, so each
/// name has its own.
fn names_that_evaluate(piton: &Path, packages: &Path, scratch: &TempDir) -> PathBuf {
    let eval = |expr: &str, name: &str| {
        let output = Command::new(piton)
            .args(["eval", "--json", "--arg", "packages", &text(packages)])
            .args(["--argstr", "name", name, "--expr", expr])
            .output()
            .expect("Piton runs");
        output.status.success().then_some(output.stdout)
    };
    let all = eval(
        "{ packages, name }: builtins.attrNames (import packages { })",
        "",
    )
    .expect("the package set evaluates");
    let all: Vec<String> = serde_json::from_slice(&all).expect("names are JSON");
    let one = "{ packages, name }: let value = (import packages { }).${name}; in builtins.isAttrs value && value.type or null == \"derivation\" && builtins.isString value.drvPath";
    let names: Vec<String> = all
        .into_iter()
        .filter(|name| eval(one, name).is_some_and(|printed| printed.trim_ascii() == b"true"))
        .collect();
    eprintln!("{} packages evaluate", names.len());
    let file = scratch.path().join("names.json");
    write(
        &file,
        serde_json::to_vec(&names).expect("names can be written"),
    )
    .expect("the folder is ours");
    file
}
