//! The arguments of the bench.

use std::path::PathBuf;

/// How often each program runs each workload.
const ROUNDS: usize = 7;

/// A program that Piton is compared with; it takes the arguments of `nix-instantiate`.
pub struct Peer {
    /// What the table calls it.
    pub name: String,
    /// Its file.
    pub program: PathBuf,
    /// A store of its own, in a folder.
    pub store: Option<String>,
}

/// What was asked for.
pub struct Options {
    /// Another build of Piton than the one of this workspace.
    pub piton: Option<PathBuf>,
    /// Whom to compare with.
    pub peers: Vec<Peer>,
    /// How often each program runs each workload.
    pub rounds: usize,
    /// Whether to tell how the time grows, instead of comparing.
    pub growth: bool,
    /// The size of the small programs.
    pub scale: u32,
    /// A checkout of a package set.
    pub packages: Option<PathBuf>,
    /// Which of its packages.
    pub package_names: Option<PathBuf>,
    /// Which workloads; none are all.
    pub names: Vec<String>,
}

impl Options {
    /// Reads the command line; panics with what is wrong with it.
    pub fn read() -> Self {
        let mut options = Options {
            piton: None,
            peers: Vec::new(),
            rounds: ROUNDS,
            growth: false,
            scale: 1,
            packages: None,
            package_names: None,
            names: Vec::new(),
        };
        let mut stores: Vec<(String, String)> = Vec::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .unwrap_or_else(|| panic!("{argument} takes an argument"))
            };
            match argument.as_str() {
                // Cargo passes it to every bench.
                "--bench" => {}
                "--growth" => options.growth = true,
                "--rounds" => options.rounds = value().parse().expect("--rounds takes a number"),
                "--scale" => options.scale = value().parse().expect("--scale takes a number"),
                "--piton" => options.piton = Some(value().into()),
                "--packages" => options.packages = Some(path(value())),
                "--package-names" => options.package_names = Some(path(value())),
                "--peer" => {
                    let (name, program) = pair(&value(), "--peer takes NAME=PROGRAM");
                    options.peers.push(Peer {
                        name,
                        program: program.into(),
                        store: None,
                    });
                }
                "--peer-store" => stores.push(pair(&value(), "--peer-store takes NAME=DIR")),
                flag if flag.starts_with("--") => panic!("there is no flag {flag}"),
                name => options.names.push(name.to_owned()),
            }
        }
        assert!(
            options.rounds > 0 && options.scale > 0,
            "no rounds, or no size"
        );
        if options.peers.is_empty() && !options.growth {
            options.peers.push(Peer {
                name: "nix-instantiate".to_owned(),
                program: "nix-instantiate".into(),
                store: None,
            });
        }
        for (name, store) in stores {
            let peer = options.peers.iter_mut().find(|peer| peer.name == name);
            peer.unwrap_or_else(|| panic!("there is no peer {name}"))
                .store = Some(store);
        }
        options
    }
}

fn pair(text: &str, usage: &str) -> (String, String) {
    let (name, value) = text.split_once('=').expect(usage);
    (name.to_owned(), value.to_owned())
}

/// Cargo runs a bench in the folder of its package; programs get paths that hold everywhere.
fn path(text: String) -> PathBuf {
    std::fs::canonicalize(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
