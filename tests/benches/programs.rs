//! Programs by Piton and by its peers in turn: user time and peak memory, medians and ratios, as a table; with `--growth` how the
//! time of Piton grows with the size of the task.
//!
//! `cargo bench -p piton-tests --bench programs -- [FLAG]... [WORKLOAD]...`
//!
//! | flag | |
//! | --- | --- |
//! | `--peer NAME=PROGRAM` | compare with this one, which takes the arguments of `nix-instantiate`; without any, `nix-instantiate` itself |
//! | `--peer-store NAME=DIR` | that peer has a store of its own, in this folder |
//! | `--rounds N` | how often each program runs each workload |
//! | `--scale N` | small programs of N times the size |
//! | `--growth` | time at 1, 2, 4 and 8 times the size, and the exponent |
//! | `--packages DIR` | a checkout of github.com/auxolotl/core: adds the workloads package-set, one-package and modules |
//! | `--package-names FILE` | which packages: JSON, a list or a set by name; without it those that evaluate |
//! | `--piton PROGRAM` | another build of Piton than that of this workspace |
//!
//! The small programs stand in `benches/programs`, those for a package set in `benches/packages`: functions of their size.

#[path = "programs/options.rs"]
mod options;
#[path = "programs/workloads.rs"]
mod workloads;

use options::{Options, Peer};
use piton_tests::piton;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wait4::Wait4;
use workloads::{Workload, workloads};

/// Sizes for `--growth`.
const SCALES: [u32; 4] = [1, 2, 4, 8];
/// A shorter time, in seconds, beyond that of starting says nothing of how it grows.
const TOO_SHORT: f64 = 0.001;

/// What a run took.
struct Cost {
    user: f64,
    /// Within the system: mostly for memory that it backs.
    system: f64,
    /// Bytes.
    peak: u64,
}

/// Runs a program; answers what it printed and what that took.
fn run(program: &Path, arguments: &[String]) -> (String, Cost) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()));
    let mut printed = String::new();
    let mut stdout = child.stdout.take().expect("it is piped");
    std::io::Read::read_to_string(&mut stdout, &mut printed).expect("it prints text");
    let used = child.wait4().expect("it ends");
    assert!(
        used.status.success(),
        "{} fails with {arguments:?}",
        program.display()
    );
    let cost = Cost {
        user: used.rusage.utime.as_secs_f64(),
        system: used.rusage.stime.as_secs_f64(),
        peak: used.rusage.maxrss,
    };
    (printed, cost)
}

fn run_piton(piton: &Path, mut arguments: Vec<String>) -> (String, Cost) {
    arguments.insert(0, "instantiate".to_owned());
    run(piton, &arguments)
}

fn run_peer(peer: &Peer, mut arguments: Vec<String>) -> (String, Cost) {
    if let Some(store) = &peer.store {
        arguments.extend(["--store".to_owned(), store.clone()]);
    }
    run(&peer.program, &arguments)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare(options: &Options, piton: &Path, workloads: &[Workload]) {
    print!("| workload | Piton, s | MiB |");
    for peer in &options.peers {
        print!(" {}, s | MiB | time | memory |", peer.name);
    }
    print!("\n| --- | ---: | ---: |");
    for _ in &options.peers {
        print!(" ---: | ---: | ---: | ---: |");
    }
    println!();
    for workload in workloads {
        let arguments = workload.arguments(workload.scale);
        // User times and peaks, Piton's first.
        let mut costs: Vec<(Vec<f64>, Vec<f64>)> =
            vec![Default::default(); 1 + options.peers.len()];
        for _ in 0..options.rounds {
            let (expected, cost) = run_piton(piton, arguments.clone());
            costs[0].0.push(cost.user);
            costs[0].1.push(cost.peak as f64);
            for (peer, costs) in options.peers.iter().zip(&mut costs[1..]) {
                let (printed, cost) = run_peer(peer, arguments.clone());
                assert_eq!(
                    printed, expected,
                    "{} differs on {}",
                    peer.name, workload.name
                );
                costs.0.push(cost.user);
                costs.1.push(cost.peak as f64);
            }
        }
        let costs: Vec<(f64, f64)> = costs
            .into_iter()
            .map(|(user, peak)| (median(user), median(peak) / 1_048_576.0))
            .collect();
        let (user, peak) = costs[0];
        print!("| {} | {user:.3} | {peak:.0} |", workload.name);
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

/// The slope of the logarithm of the time over that of the size, by least squares: 1 where twice the size takes twice the time. None if
/// a time is too short to tell.
fn exponent(times: &[f64]) -> Option<f64> {
    if times.iter().any(|time| *time < TOO_SHORT) {
        return None;
    }
    let points: Vec<(f64, f64)> = SCALES
        .iter()
        .zip(times)
        .map(|(scale, time)| (f64::from(*scale).ln(), time.ln()))
        .collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let above: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let below: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    Some(above / below)
}

/// Times of user and system together: the system tells their sum more exactly than their parts.
fn time(options: &Options, piton: &Path, arguments: &[String]) -> f64 {
    let times = (0..options.rounds).map(|_| {
        let cost = run_piton(piton, arguments.to_vec()).1;
        cost.user + cost.system
    });
    median(times.collect())
}

fn growth(options: &Options, piton: &Path, workloads: &[Workload]) {
    let nothing = ["--eval", "--expr", "1"].map(str::to_owned);
    let start = time(options, piton, &nothing);
    println!("Starting takes {start:.4} s, which is not in the times.\n");
    println!("| workload | 1x, s | 2x | 4x | 8x | exponent |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for workload in workloads {
        let Some(smallest) = workload.smallest else {
            continue;
        };
        let times: Vec<f64> = SCALES
            .iter()
            .map(|scale| {
                let arguments = workload.arguments(smallest * scale);
                (time(options, piton, &arguments) - start).max(0.0)
            })
            .collect();
        print!("| {} |", workload.name);
        for time in &times {
            print!(" {time:.4} |");
        }
        match exponent(&times) {
            Some(exponent) => println!(" {exponent:.2} |"),
            None => println!(" too short |"),
        }
    }
}

fn main() {
    let options = Options::read();
    let piton: PathBuf = match &options.piton {
        Some(piton) => piton.clone(),
        None => piton().to_owned(),
    };
    let scratch = tempfile::tempdir().expect("a folder can be made");
    let workloads = workloads(&options, &piton, &scratch);
    if options.growth {
        growth(&options, &piton, &workloads);
    } else {
        compare(&options, &piton, &workloads);
    }
}
