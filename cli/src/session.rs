//! An evaluator with its world and its plugins, set up as the command line asks.

use crate::arguments::EvaluationArguments;
use crate::code_cache;
use crate::failure::{Failure, Result, reason};
use crate::measure::Measure;
use crate::plugins::{LoadFailure, load_all};
use crate::settings::{Mode, Settings};
use crate::source::{Named, Plan, Source};
use crate::terminal;
use crate::world::{Files, Messages, Outside, as_path, current_system};
use piton_core::error::Error;
use piton_core::eval::{Evaluator, MakeWorld, Options};
use piton_core::heap::{Value, large_pages_for_tables};
use piton_core::host::{Capabilities, capability_names};
use piton_core::report::ReportOptions;
use piton_core::source::{Origin, Pos};
use piton_core::symbol::Symbol;
use piton_core::vm::Limits;
use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// An evaluator that is ready.
pub struct Session {
    /// The evaluator.
    pub evaluator: Evaluator,
    /// What is to be evaluated.
    pub sources: Vec<Source>,
    /// What `--arg` and its like pass to functions.
    pub arguments: Vec<(Symbol, Value)>,
    show_trace: bool,
    measure: Measure,
}

impl Session {
    /// Sets up an evaluation of what the command line names.
    pub fn new(arguments: &EvaluationArguments, named: &[Named]) -> Result<Self> {
        let settings = Settings::new(arguments)?;
        Session::with_settings(&settings, arguments, named)
    }

    /// Sets up an evaluation under `settings`.
    pub fn with_settings(
        settings: &Settings,
        arguments: &EvaluationArguments,
        named: &[Named],
    ) -> Result<Self> {
        if settings.max_memory.is_none() {
            large_pages_for_tables();
        }
        let measure = Measure::new(arguments)?;
        let mut plan = Plan::new(settings, named)?;
        let store = settings.store.open(settings.read_only, settings.builds)?;
        plan.access.open_store(settings.store.folder());
        // Under rules, what may be read is found out on the way.
        let threads = if plan.access.is_unlimited() {
            arguments.threads
        } else {
            1
        };
        let world = Outside {
            files: Files::new(plan.access),
            search_path: settings.search_path.clone(),
            system: settings
                .system
                .clone()
                .unwrap_or_else(current_system)
                .into(),
            current_dir: plan.current_dir,
            messages: Messages {
                verbose_traces: settings.trace_verbose,
                warnings: settings.warnings,
            },
        };
        let evaluator = Evaluator::with_store(Box::new(world), options(settings), store);
        let mut session = Session {
            evaluator,
            sources: plan.sources,
            arguments: Vec::new(),
            show_trace: settings.show_trace,
            measure,
        };
        if !arguments.no_cache
            && let Some(cache) = code_cache::Folder::open()
        {
            session.evaluator.use_cache(Arc::new(cache));
        }
        load_all(&mut session.evaluator, settings)
            .map_err(|failure| session.load_failure(failure))?;
        let world: Arc<MakeWorld> = Arc::new(|| Box::new(Outside::everything()));
        session.evaluator.compile_ahead(threads - 1, world);
        if let Some(what) = session.measure.observation() {
            session.evaluator.vm_mut().observe(what);
        }
        session.arguments = session.compile_arguments(arguments, &plan.base)?;
        Ok(session)
    }

    /// Ends an evaluation that succeeded: it has still failed if what was measured cannot be told.
    pub fn finish(mut self) -> Result<()> {
        self.measure.tell(self.evaluator.vm())
    }

    /// The report of an error of this evaluation.
    pub fn report(&self, error: &Error) -> Failure {
        let options = ReportOptions {
            show_trace: self.show_trace,
            color: terminal::has_color(),
        };
        Failure::Report(self.evaluator.report(error, options))
    }

    /// The failure of a plugin to load.
    pub fn load_failure(&self, failure: LoadFailure) -> Failure {
        match failure {
            LoadFailure::Refused(error) => self.report(&error),
            LoadFailure::Absent(failure) => failure,
        }
    }

    /// The value of a source, in weak head normal form.
    pub fn evaluate(&mut self, source: &Source) -> Result<Value> {
        let value = match source {
            Source::File(path) => self.evaluator.evaluate_file(path),
            Source::Text { origin, text, base } => {
                self.evaluator.evaluate_source(origin.clone(), text, base)
            }
        };
        value.map_err(|error| self.report(&error))
    }

    /// The text of a source, where it came from, and where its relative paths start.
    pub fn text(&mut self, source: &Source) -> Result<(Origin, Vec<u8>, Vec<u8>)> {
        match source {
            Source::Text { origin, text, base } => Ok((origin.clone(), text.clone(), base.clone())),
            Source::File(path) => {
                let file = self
                    .evaluator
                    .resolve_file(path)
                    .map_err(|error| self.report(&error))?;
                let text = match self.evaluator.vm().world.read_file(&file) {
                    Ok(text) => text,
                    Err(error) => {
                        return Err(Failure::new(crate::failure::world_text(&file, error)));
                    }
                };
                let base = piton_core::path::parent(&file).to_vec();
                Ok((Origin::File(file.into()), text, base))
            }
        }
    }

    /// The values of `--arg` (compiled at once, evaluated when they are needed), `--argstr` and `--arg-from-file`.
    fn compile_arguments(
        &mut self,
        arguments: &EvaluationArguments,
        base: &[u8],
    ) -> Result<Vec<(Symbol, Value)>> {
        let mut values = BTreeMap::new();
        for pair in arguments.arg.chunks_exact(2) {
            let address = self
                .evaluator
                .link_text(Origin::String, pair[1].as_bytes(), base);
            let address = address.map_err(|error| self.report(&error))?;
            let thunk = self.evaluator.vm_mut().thunk_of(address);
            values.insert(pair[0].as_bytes(), self.evaluator.keep(thunk));
        }
        for pair in arguments.argstr.chunks_exact(2) {
            values.insert(pair[0].as_bytes(), self.string(pair[1].as_bytes()));
        }
        for pair in arguments.arg_from_file.chunks_exact(2) {
            let shown = pair[1].to_string_lossy();
            let bytes = std::fs::read(as_path(pair[1].as_bytes())).map_err(|error| {
                Failure::new(format!("opening file '{shown}': {}", reason(&error)))
            })?;
            if bytes.contains(&0) {
                let text = format!(
                    "the contents of the file '{shown}' cannot be represented as a Nix string"
                );
                return Err(Failure::new(text));
            }
            values.insert(pair[0].as_bytes(), self.string(&bytes));
        }
        let interner = &mut self.evaluator.vm_mut().interner;
        Ok(values
            .into_iter()
            .map(|(name, value)| (interner.intern(name), value))
            .collect())
    }

    /// A string that stays alive.
    pub fn string(&mut self, bytes: &[u8]) -> Value {
        let value = self.evaluator.vm_mut().heap.string(bytes, 0);
        self.evaluator.keep(value)
    }

    /// A set of attributes without positions, kept alive.
    pub fn attrs(&mut self, entries: &[(Symbol, Value)]) -> Value {
        let mut entries: Vec<_> = entries
            .iter()
            .map(|(name, value)| (*name, Pos::NONE, *value))
            .collect();
        let heap = &mut self.evaluator.vm_mut().heap;
        let value = heap.attrs_from(&mut entries).value();
        self.evaluator.keep(value)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Of an evaluation that failed, or of what only looks at sources: the status is settled.
        if let Err(failure) = self.measure.tell(self.evaluator.vm()) {
            failure.tell();
        }
        // The process ends.
        self.evaluator.vm_mut().leak_code();
    }
}

fn options(settings: &Settings) -> Options {
    let defaults = Limits::default();
    let home = match (settings.mode, std::env::var_os("HOME")) {
        (Mode::Pure | Mode::PureEval, _) => Err("in pure mode".to_owned()),
        _ if settings.no_impure => Err("under --no-impure".to_owned()),
        (_, Some(home)) if !home.is_empty() => Ok(home.into_vec()),
        _ => Err("because HOME is not set".to_owned()),
    };
    let mut features = settings.features.clone();
    match settings.mode {
        Mode::Pure | Mode::PureEval => features.insert("pure-eval".to_owned()),
        Mode::RestrictEval => features.insert("restrict-eval".to_owned()),
        Mode::Default => false,
    };
    Options {
        limits: Limits {
            call_depth: settings.max_call_depth.unwrap_or(defaults.call_depth),
            memory: settings.max_memory.unwrap_or(defaults.memory),
            gc_stress: settings.gc_stress,
            ..defaults
        },
        parse: settings.parse,
        features,
        withheld: settings.withheld(),
        granted: granted(settings),
        home,
        left_out: settings.no_impure.then(|| {
            "--no-impure leaves out the builtins that read files, the environment or the clock, and those that print"
                .to_owned()
        }),
        compile_late_from: match settings.gc_stress {
            true => 0,
            false => Options::default().compile_late_from,
        },
    }
}

/// What builtins may do. In pure evaluation `getEnv` and `nixPath` are there, as in Nix: the world that they ask is empty; and
/// fetchers are, which then fetch only what is locked. In restricted evaluation Nix leaves the clock running; this does not.
fn granted(settings: &Settings) -> Capabilities {
    match settings.mode {
        _ if settings.no_impure => Capabilities::NONE,
        Mode::Default => Capabilities::DEFAULT,
        Mode::Pure | Mode::PureEval => {
            Capabilities(Capabilities::PURE.0 | capability("env") | capability("net"))
        }
        Mode::RestrictEval => Capabilities(Capabilities::DEFAULT.0 & !capability("clock")),
    }
}

/// The bit of a capability.
fn capability(name: &str) -> u64 {
    (0..u64::BITS)
        .map(|bit| 1 << bit)
        .find(|bit| capability_names(*bit) == [name])
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_found_by_name() {
        assert_eq!(
            capability_names(capability("env") | capability("clock")),
            ["env", "clock"]
        );
        assert!(!Capabilities::PURE.contains(capability("env")));
    }
}
