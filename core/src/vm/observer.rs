//! What an evaluation does, counted and timed, for those who ask (`--stats`, `--profile`). Who does not ask pays nothing: the loop
//! exists twice, and the heap counts where its bump pointer has run out, which under observation it always has.

use super::frame::Frame;
use super::link::Linked;
use super::machine::Vm;
use crate::bytecode::{CodeKind, Instruction, Op, Operands};
use crate::heap::Value;
use crate::source::{Pos, SourceMap};
use crate::symbol::Interner;
use piton_plugin_api::hint::cold_path;
use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};

/// Between two samples of the stack passes at least so much time.
const SAMPLE_EVERY: Duration = Duration::from_micros(500);
/// The clock is read once in so many frames.
const CLOCK_EVERY: u32 = 64;
/// Of a deeper stack so many of the outermost frames are told.
const MAX_STACK: usize = 400;

/// What stands for a stack without frames: the value of the whole program is being gone through.
const RESULT: &str = "result";

/// What is to be observed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Observation {
    /// Count instructions, calls and builtins.
    pub statistics: bool,
    /// Sample the stack.
    pub profile: bool,
}

/// One builtin's share.
#[derive(Clone, Copy, Default, Debug)]
pub struct BuiltinCost {
    /// How often it was called.
    pub calls: u64,
    /// Time within its own code: what it waits for is not counted.
    pub time: Duration,
}

/// Counts of an evaluation.
#[derive(Debug)]
pub struct Counts {
    /// Instructions, by [`Op`].
    pub instructions: Vec<u64>,
    /// Calls of lambdas.
    pub calls: u64,
    /// Thunks whose evaluation was begun.
    pub thunks_forced: u64,
    /// Selections that the inline cache of their place served.
    pub cached_selections: u64,
    /// Builtins, by number.
    pub builtins: Vec<BuiltinCost>,
    /// Files compiled.
    pub files: u64,
    /// Bytes of source text.
    pub source_bytes: u64,
    /// Time spent on parsing and compiling.
    pub compile_time: Duration,
}

/// A frame of a sampled stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Place {
    Code(*const Linked),
    Builtin(u32),
}

/// The time spent on a stack.
pub struct Sample {
    /// The frames, outermost first.
    pub stack: Vec<String>,
    /// How long it was on.
    pub time: Duration,
}

/// Watches one evaluation.
pub struct Observer {
    what: Observation,
    counts: Counts,
    samples: FxHashMap<Box<[Place]>, Duration>,
    last_sample: Instant,
    until_clock: u32,
    /// The code that ran last, until a builtin does.
    running: Option<Place>,
}

impl Observer {
    pub(crate) fn new(what: Observation) -> Self {
        Observer {
            what,
            counts: Counts {
                instructions: vec![0; Op::COUNT],
                calls: 0,
                thunks_forced: 0,
                cached_selections: 0,
                builtins: Vec::new(),
                files: 0,
                source_bytes: 0,
                compile_time: Duration::ZERO,
            },
            samples: FxHashMap::default(),
            last_sample: Instant::now(),
            until_clock: 0,
            running: None,
        }
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn instruction(&mut self, instruction: &Instruction) {
        self.counts.instructions[instruction.op as usize] += 1;
    }

    pub(super) fn cached_selection(&mut self) {
        self.counts.cached_selections += 1;
    }

    /// A file was parsed and compiled.
    pub(crate) fn file(&mut self, bytes: usize, time: Duration) {
        self.counts.files += 1;
        self.counts.source_bytes += bytes as u64;
        self.counts.compile_time += time;
    }

    /// A body that was left out of its file's code has been compiled in `time`.
    pub(super) fn late_body(&mut self, time: Duration) {
        self.counts.compile_time += time;
    }

    /// A code frame is on top and about to run.
    pub(super) fn frame(&mut self, frames: &mut [Frame]) {
        let Some(Frame::Code(frame)) = frames.last_mut() else {
            return;
        };
        if !std::mem::replace(&mut frame.counted, true) {
            match frame.code().kind {
                CodeKind::Lambda => self.counts.calls += 1,
                CodeKind::Thunk | CodeKind::Binding(_) | CodeKind::Variable(_) => {
                    self.counts.thunks_forced += 1
                }
                CodeKind::Root => {}
            }
        }
        if self.what.profile {
            self.running = Some(Place::Code(frame.code));
            if self.until_clock == 0 {
                self.until_clock = CLOCK_EVERY;
                self.sample(frames, None, Instant::now());
            }
            self.until_clock -= 1;
        }
    }

    /// A builtin has run since `begun`, as a new call or going on with one.
    pub(crate) fn builtin(&mut self, builtin: u32, begun: Instant, new: bool, frames: &[Frame]) {
        let index = builtin as usize;
        if self.counts.builtins.len() <= index {
            self.counts
                .builtins
                .resize(index + 1, BuiltinCost::default());
        }
        let cost = &mut self.counts.builtins[index];
        cost.calls += u64::from(new);
        let now = Instant::now();
        cost.time += now - begun;
        if self.what.profile {
            // What was before is of the code that ran then, which may be over.
            let before = self.running.take();
            self.sample(frames, before, begun);
            self.sample(frames, Some(Place::Builtin(builtin)), now);
        }
    }

    /// A task has made a step since `begun`, which is of the frame that it works for.
    fn step(&mut self, begun: Instant, frames: &[Frame]) {
        if !self.what.profile {
            return;
        }
        // What was before is of the code that ran then: it has asked for what stands above it, or is over.
        let before = self.running.take();
        let code = frames
            .iter()
            .rposition(|frame| matches!(frame, Frame::Code(_)));
        self.sample(&frames[..code.map_or(0, |at| at + 1)], before, begun);
        self.sample(frames, None, Instant::now());
    }

    /// Attributes the time since the last sample to the stack with `running` on top of it, if it is enough.
    fn sample(&mut self, frames: &[Frame], running: Option<Place>, now: Instant) {
        let passed = now.saturating_duration_since(self.last_sample);
        if passed < SAMPLE_EVERY {
            return;
        }
        self.last_sample = now;
        let places = frames.iter().filter_map(|frame| match frame {
            Frame::Code(frame) => match frame.code().kind {
                CodeKind::Thunk => None,
                _ => Some(Place::Code(frame.code)),
            },
            Frame::Generator(frame) => Some(Place::Builtin(frame.builtin)),
            _ => None,
        });
        let mut stack: Vec<Place> = places.take(MAX_STACK).collect();
        if let Some(running) = running.filter(|running| stack.last() != Some(running))
            && stack.len() < MAX_STACK
        {
            stack.push(running);
        }
        *self.samples.entry(stack.into()).or_default() += passed;
    }

    /// The samples, in the order of their stacks.
    pub(super) fn samples(
        &self,
        sources: &SourceMap,
        interner: &Interner,
        builtin: impl Fn(u32) -> &'static str,
    ) -> Vec<Sample> {
        let place = |pos: Pos| match sources.locate(pos) {
            Some(location) => format!(
                "{}:{}:{}",
                location.file.origin.display(),
                location.line,
                location.column
            ),
            None => "builtin text".to_owned(),
        };
        let name = |frame: &Place| match frame {
            Place::Builtin(number) => format!("builtins.{}", builtin(*number)),
            Place::Code(code) => {
                let code = Linked::at(*code as usize);
                match (code.kind, code.name) {
                    (CodeKind::Root, _) => sources
                        .locate(code.pos)
                        .map_or_else(String::new, |location| {
                            format!("file {}", location.file.origin.display())
                        }),
                    (CodeKind::Binding(name) | CodeKind::Variable(name), _) => {
                        format!("{} = ({})", interner.display(name), place(code.pos))
                    }
                    (_, Some(name)) => format!("{} ({})", interner.display(name), place(code.pos)),
                    (_, None) => format!("lambda ({})", place(code.pos)),
                }
            }
        };
        let mut samples: Vec<Sample> = self
            .samples
            .iter()
            .map(|(stack, time)| Sample {
                stack: match &stack[..] {
                    [] => vec![RESULT.to_owned()],
                    stack => stack.iter().map(name).collect(),
                },
                time: *time,
            })
            .collect();
        samples.sort_by(|a, b| a.stack.cmp(&b.stack));
        samples
    }
}

impl Vm {
    /// The time, if somebody watches.
    #[inline(always)]
    pub(crate) fn watch(&self) -> Option<Instant> {
        match self.observer {
            Some(_) => {
                cold_path();
                Some(Instant::now())
            }
            None => None,
        }
    }

    #[inline(never)]
    pub(super) fn observe_frame(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.frame(&mut self.frames);
        }
    }

    /// Notes that a builtin has run since `begun`, as a new call or going on with one.
    #[cold]
    pub(crate) fn observe_builtin(&mut self, builtin: u32, begun: Instant, new: bool) {
        if let Some(observer) = &mut self.observer {
            observer.builtin(builtin, begun, new, &self.frames);
        }
    }

    /// Notes that the task on top has made a step since `begun`.
    #[cold]
    pub(super) fn observe_step(&mut self, begun: Instant) {
        if let Some(observer) = &mut self.observer {
            observer.step(begun, &self.frames);
        }
    }

    #[inline(never)]
    pub(super) fn observe_instruction(
        &mut self,
        code: &Linked,
        instruction: &Instruction,
        registers: *const Value,
    ) {
        let Some(observer) = &mut self.observer else {
            return;
        };
        observer.instruction(instruction);
        if instruction.op.operands() == Operands::ASelect && instruction.op != Op::Undefined {
            // SAFETY: the compiler names registers below the frame's count.
            let set = unsafe { *registers.add(usize::from(instruction.b)) }.resolved();
            let site = &code.body().sites[usize::from(instruction.c)];
            if set.as_attrs().is_some_and(|attrs| site.is_cached(attrs)) {
                observer.cached_selection();
            }
        }
    }
}
