//! Programs by Piton and by its peers in turn: user time and peak memory, medians and ratios, as a table; with `--growth` how the
//! time of Piton grows with the size of the task.
//!
//! `cargo bench -p piton-tests --bench programs -- [--peer NAME=PROGRAM]... [--rounds N] [--growth] [WORKLOAD]...`
//!
//! A peer takes the arguments of `nix-instantiate`; without any, `nix-instantiate` itself is the peer. The workloads stand in
//! `benches/programs`, functions of their size.

use piton_tests::{piton, source_dir};
use std::fs::read_dir;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wait4::Wait4;

/// How often each program runs each workload.
const ROUNDS: usize = 7;
/// Sizes for `--growth`.
const SCALES: [u32; 4] = [1, 2, 4, 8];

struct Options {
    peers: Vec<(String, PathBuf)>,
    rounds: usize,
    growth: bool,
    names: Vec<String>,
}

fn options() -> Options {
    let mut options = Options {
        peers: Vec::new(),
        rounds: ROUNDS,
        growth: false,
        names: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo passes it to every bench.
            "--bench" => {}
            "--growth" => options.growth = true,
            "--rounds" => {
                let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                options.rounds = rounds.expect("--rounds takes a number");
            }
            "--peer" => {
                let peer = arguments.next().unwrap_or_default();
                let (name, program) = peer.split_once('=').expect("--peer takes NAME=PROGRAM");
                options.peers.push((name.to_owned(), program.into()));
            }
            name => options.names.push(name.to_owned()),
        }
    }
    if options.peers.is_empty() && !options.growth {
        options
            .peers
            .push(("nix-instantiate".to_owned(), "nix-instantiate".into()));
    }
    options
}

/// What a run took.
struct Cost {
    user: f64,
    /// Bytes.
    peak: u64,
}

/// Runs a workload; answers what it printed and what that took.
fn run(program: &Path, subcommand: &[&str], file: &Path, scale: u32) -> (String, Cost) {
    let mut child = Command::new(program)
        .args(subcommand)
        .args(["--eval", "--strict", "--arg", "scale", &scale.to_string()])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()));
    let mut printed = String::new();
    let mut stdout = child.stdout.take().expect("it is piped");
    std::io::Read::read_to_string(&mut stdout, &mut printed).expect("it prints text");
    let used = child.wait4().expect("it ends");
    assert!(
        used.status.success(),
        "{} fails on {}",
        program.display(),
        file.display()
    );
    let cost = Cost {
        user: used.rusage.utime.as_secs_f64(),
        peak: used.rusage.maxrss,
    };
    (printed, cost)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn workloads(names: &[String]) -> Vec<(String, PathBuf)> {
    let folder = source_dir("tests/benches/programs");
    let mut all: Vec<(String, PathBuf)> = read_dir(&folder)
        .expect("the workloads are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| {
            let name = path.file_stem().unwrap_or_default();
            (name.to_string_lossy().into_owned(), path)
        })
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .collect();
    all.sort();
    all
}

fn compare(options: &Options) {
    print!("| workload | Piton, s | MiB |");
    for (name, _) in &options.peers {
        print!(" {name}, s | MiB | time | memory |");
    }
    print!("\n| --- | ---: | ---: |");
    for _ in &options.peers {
        print!(" ---: | ---: | ---: | ---: |");
    }
    println!();
    for (name, file) in workloads(&options.names) {
        // User times and peaks, Piton's first.
        let mut costs: Vec<(Vec<f64>, Vec<f64>)> =
            vec![Default::default(); 1 + options.peers.len()];
        for _ in 0..options.rounds {
            let (expected, cost) = run(piton(), &["instantiate"], &file, 1);
            costs[0].0.push(cost.user);
            costs[0].1.push(cost.peak as f64);
            for ((peer, program), costs) in options.peers.iter().zip(&mut costs[1..]) {
                let (printed, cost) = run(program, &[], &file, 1);
                assert_eq!(printed, expected, "{peer} differs on {name}");
                costs.0.push(cost.user);
                costs.1.push(cost.peak as f64);
            }
        }
        let costs: Vec<(f64, f64)> = costs
            .into_iter()
            .map(|(user, peak)| (median(user), median(peak) / 1_048_576.0))
            .collect();
        let (user, peak) = costs[0];
        print!("| {name} | {user:.3} | {peak:.0} |");
        for (peer_user, peer_peak) in &costs[1..] {
            print!(
                " {peer_user:.3} | {peer_peak:.0} | {:.2} | {:.2} |",
                user / peer_user,
                peak / peer_peak
            );
        }
        println!();
    }
}

/// The slope of the logarithm of the time over that of the size: 1 where twice the size takes twice the time.
fn exponent(times: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = SCALES
        .iter()
        .zip(times)
        .map(|(scale, time)| (f64::from(*scale).ln(), time.max(1e-4).ln()))
        .collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let above: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let below: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    above / below
}

fn growth(options: &Options) {
    println!("| workload | 1x, s | 2x | 4x | 8x | exponent |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, file) in workloads(&options.names) {
        let times: Vec<f64> = SCALES
            .iter()
            .map(|scale| {
                let runs = (0..options.rounds)
                    .map(|_| run(piton(), &["instantiate"], &file, *scale).1.user)
                    .collect();
                median(runs)
            })
            .collect();
        print!("| {name} |");
        for time in &times {
            print!(" {time:.3} |");
        }
        println!(" {:.2} |", exponent(&times));
    }
}

fn main() {
    let options = options();
    if options.growth {
        growth(&options);
    } else {
        compare(&options);
    }
}
