//! `--stats` and `--profile`: what an evaluation did and where its time went, told when it is over, also if it failed.

use crate::arguments::{EvaluationArguments, ProfileFormat};
use crate::failure::{Failure, Result, reason};
use piton_core::bytecode::Op;
use piton_core::heap::Kind;
use piton_core::vm::{Observation, Sample, Vm};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is to be told of an evaluation.
pub struct Measure {
    begun: Instant,
    statistics: bool,
    profile: Option<Profile>,
}

struct Profile {
    path: PathBuf,
    file: File,
    format: ProfileFormat,
}

impl Profile {
    fn new(path: &Path, format: ProfileFormat) -> Result<Self> {
        match File::create(path) {
            Ok(file) => Ok(Profile {
                path: path.to_owned(),
                file,
                format,
            }),
            Err(error) => Err(unwritable(path, &error)),
        }
    }

    fn write(self, samples: &[Sample]) -> Result<()> {
        let mut out = BufWriter::new(self.file);
        let written = match self.format {
            ProfileFormat::Collapsed => collapsed(&mut out, samples),
            ProfileFormat::Speedscope => {
                serde_json::to_writer(&mut out, &speedscope(samples)).map_err(io::Error::from)
            }
        };
        written
            .and_then(|()| out.flush())
            .map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "cannot write the profile '{}': {}",
        path.display(),
        reason(error)
    ))
}

impl Measure {
    /// What the flags ask for; a profile's file is made at once.
    pub fn new(arguments: &EvaluationArguments) -> Result<Self> {
        let profile = arguments
            .profile
            .as_ref()
            .map(|path| Profile::new(path, arguments.profile_format))
            .transpose()?;
        Ok(Measure {
            begun: Instant::now(),
            statistics: arguments.stats,
            profile,
        })
    }

    /// What the machine has to observe, if anything.
    pub fn observation(&self) -> Option<Observation> {
        let what = Observation {
            statistics: self.statistics,
            profile: self.profile.is_some(),
        };
        (what.statistics || what.profile).then_some(what)
    }

    /// Tells, the first time.
    pub fn tell(&mut self, vm: &Vm) -> Result<()> {
        if std::mem::take(&mut self.statistics) {
            let text = format!("{:#}\n", statistics(vm, self.begun.elapsed()));
            io::stderr().write_all(text.as_bytes()).map_err(|error| {
                Failure::new(format!("cannot write the statistics: {}", reason(&error)))
            })?;
        }
        match self.profile.take() {
            Some(profile) => profile.write(&vm.samples()),
            None => Ok(()),
        }
    }
}

fn milliseconds(time: Duration) -> Value {
    json!((time.as_secs_f64() * 1e6).round() / 1e3)
}

/// Everything that was counted. Times are milliseconds, sizes bytes.
fn statistics(vm: &Vm, elapsed: Duration) -> Value {
    let Some(counts) = vm.counts() else {
        return Value::Null;
    };
    let heap = vm.heap.statistics();
    let instructions =
        |ops: &[Op]| -> u64 { ops.iter().map(|op| counts.instructions[*op as usize]).sum() };
    let mut kinds = Map::new();
    let mut thunks = 0;
    let mut sets = 0;
    for (number, count) in vm.heap.kinds().into_iter().flatten().enumerate() {
        let Some(name) = Kind::name(number) else {
            continue;
        };
        match name {
            "thunks" => thunks = count.objects,
            "sets" => sets = count.objects,
            _ => {}
        }
        kinds.insert(
            name.to_owned(),
            json!({ "objects": count.objects, "bytes": count.bytes }),
        );
    }
    let mut plugins: Map<String, Value> = Map::new();
    for plugin in vm.host.plugins() {
        let mut builtins: Vec<(&str, u64, Duration)> = counts
            .builtins
            .iter()
            .enumerate()
            .filter(|(number, cost)| {
                cost.calls > 0 && vm.host.plugin_of(*number as u32) == plugin.name
            })
            .map(|(number, cost)| (vm.host.name(number as u32), cost.calls, cost.time))
            .collect();
        builtins.sort_by_key(|(name, calls, _)| (std::cmp::Reverse(*calls), *name));
        let calls: u64 = builtins.iter().map(|builtin| builtin.1).sum();
        let time: Duration = builtins.iter().map(|builtin| builtin.2).sum();
        let builtins: Map<String, Value> = builtins
            .into_iter()
            .map(|(name, calls, time)| {
                (
                    name.to_owned(),
                    json!({ "calls": calls, "time": milliseconds(time) }),
                )
            })
            .collect();
        plugins.insert(
            plugin.name.clone(),
            json!({ "calls": calls, "time": milliseconds(time), "builtins": builtins }),
        );
    }
    let by_name: Map<String, Value> = Op::ALL
        .iter()
        .map(|op| {
            (
                op.name().to_owned(),
                json!(counts.instructions[*op as usize]),
            )
        })
        .filter(|(_, count)| *count != json!(0))
        .collect();
    json!({
        "time": milliseconds(elapsed),
        "files": counts.files,
        "sourceBytes": counts.source_bytes,
        "compileTime": milliseconds(counts.compile_time),
        "calls": counts.calls,
        "thunks": { "made": thunks, "forced": counts.thunks_forced },
        "sets": { "made": sets, "updates": instructions(&[Op::Update]) },
        "lookups": {
            "selections": instructions(&[
                Op::Select, Op::SelectOr, Op::SelectAtHand, Op::HasAttr, Op::WithLookup,
                Op::SelectDynamic, Op::SelectDynamicOr, Op::HasAttrDynamic,
            ]),
            "cached": counts.cached_selections,
        },
        "builtins": plugins,
        "collections": {
            "count": heap.collections,
            "time": milliseconds(heap.collection_time),
        },
        "memory": {
            "allocated": heap.allocated,
            "reserved": heap.reserved,
            "kinds": kinds,
        },
        "instructions": by_name,
    })
}

/// A line for each stack: frames from the outermost on, separated by semicolons, and microseconds.
fn collapsed(out: &mut impl Write, samples: &[Sample]) -> io::Result<()> {
    for sample in samples {
        let frames: Vec<String> = sample
            .stack
            .iter()
            .map(|frame| frame.replace([';', '\n'], "_"))
            .collect();
        writeln!(out, "{} {}", frames.join(";"), sample.time.as_micros())?;
    }
    Ok(())
}

/// The file format of speedscope: frames once, and stacks as lists of their numbers.
fn speedscope(samples: &[Sample]) -> Value {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut frames = Vec::new();
    let mut stacks = Vec::new();
    let mut weights = Vec::new();
    for sample in samples {
        let stack: Vec<usize> = sample
            .stack
            .iter()
            .map(|frame| {
                *numbers.entry(frame).or_insert_with(|| {
                    frames.push(json!({ "name": frame }));
                    frames.len() - 1
                })
            })
            .collect();
        stacks.push(stack);
        weights.push(sample.time.as_micros() as u64);
    }
    let end: u64 = weights.iter().sum();
    json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": concat!("piton ", env!("CARGO_PKG_VERSION")),
        "shared": { "frames": frames },
        "profiles": [{
            "type": "sampled",
            "name": "evaluation",
            "unit": "microseconds",
            "startValue": 0,
            "endValue": end,
            "samples": stacks,
            "weights": weights,
        }],
    })
}
