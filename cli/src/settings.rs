//! From the command line to what an evaluation runs under: mode, limits, language features, search path.

use crate::arguments::{EvaluationArguments, LintArgument};
use crate::failure::{Failure, Result};
use crate::store::Place;
use crate::terminal;
use crate::world::search_path::{Entry, default_entries, parse_nix_path};
use clap::ValueEnum;
use piton_core::syntax::{Lint, ParseOptions};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Settings of Nix that have no meaning for an evaluation, or none here: accepted and ignored.
const IGNORED: &str = "
    access-tokens allow-dirty allow-dirty-locks allow-new-privileges allow-symlinked-store
    allow-unsafe-native-code-during-evaluation allowed-impure-host-deps allowed-uris allowed-users always-allow-substitutes
    auto-optimise-store bash-prompt bash-prompt-prefix bash-prompt-suffix build-dir build-hook build-poll-interval
    build-users-group builders builders-use-substitutes commit-lock-file-summary compress-build-log connect-timeout cores
    debugger-on-trace debugger-on-warn diff-hook download-attempts download-buffer-size download-speed
    eval-attrset-update-layer-rhs-threshold eval-cache eval-cores eval-profile-file eval-profiler eval-profiler-frequency
    external-builders extra-platforms fallback filter-syscalls flake-registry fsync-metadata fsync-store-paths
    gc-reserved-space hashed-mirrors http-connections http2 id-count ignore-try ignored-acls impersonate-linux-26
    json-log-path keep-build-log keep-derivations keep-env-derivations keep-failed keep-going keep-outputs lazy-trees
    log-lines max-build-log-size max-free max-jobs max-silent-time max-substitution-jobs min-free min-free-check-interval nar-buffer-size narinfo-cache-meta-ttl
    narinfo-cache-negative-ttl narinfo-cache-positive-ttl netrc-file nix-shell-always-looks-for-shell-nix
    nix-shell-shebang-arguments-relative-to-script plugin-files post-build-hook pre-build-hook preallocate-contents
    print-missing require-drop-supplementary-groups require-sigs run-diff-hook sandbox sandbox-build-dir
    sandbox-dev-shm-size sandbox-fallback sandbox-paths secret-key-files ssl-cert-file stalled-download-timeout start-id
    substitute substituters sync-before-registering system-features tarball-ttl timeout trace-function-calls
    trace-import-from-derivation trust-tarballs-from-git-forges trusted-public-keys trusted-substituters trusted-users
    upgrade-nix-store-path-url use-case-hack use-cgroups use-registries use-sqlite-wal use-xdg-base-directories
    user-agent-suffix warn-dirty warn-large-path-threshold
";

/// Experimental features of Nix, of which the first one changes the language; builtins may ask for the others.
const FEATURES: &str = "
    pipe-operators auto-allocate-uids blake3-hashes build-time-fetch-tree ca-derivations cgroups configurable-impure-env
    daemon-trust-override dynamic-derivations external-builders fetch-closure fetch-tree flakes git-hashing
    impure-derivations local-overlay-store mounted-ssh-store nix-command parallel-eval
    parse-toml-timestamps read-only-local-store recursive-nix verified-fetches
";

/// Whether and how reading is restricted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As `nix-instantiate`: everything is there.
    Default,
    /// `--pure`: Nix's pure evaluation, with the tree of the entry file.
    Pure,
    /// `--option pure-eval true`: Nix's pure evaluation.
    PureEval,
    /// `--option restrict-eval true`: Nix's restricted evaluation.
    RestrictEval,
}

/// Those that are enabled if nothing else is said. Nix enables none; but flakes are what most programs that fetch are.
const DEFAULT_FEATURES: &str = "flakes";

/// Builtins that are not there unless a feature is enabled.
const WITHHELD: [(&str, &str); 3] = [
    ("dynamic-derivations", "outputOf"),
    ("fetch-closure", "fetchClosure"),
    ("fetch-tree", "fetchTree"),
];

/// What an evaluation runs under.
#[derive(Debug)]
pub struct Settings {
    /// Which files and facts it sees.
    pub mode: Mode,
    /// The impure library stays closed.
    pub no_impure: bool,
    /// Plugins beside the shipped ones.
    pub plugins: Vec<PathBuf>,
    /// They may replace builtins.
    pub plugin_override: bool,
    /// Nested calls, if there is a limit other than the usual.
    pub max_call_depth: Option<u32>,
    /// Bytes of heap, if they are limited.
    pub max_memory: Option<usize>,
    /// Collect at every safepoint.
    pub gc_stress: bool,
    /// Show all of the trace.
    pub show_trace: bool,
    /// Show `traceVerbose`.
    pub trace_verbose: bool,
    /// Show warnings.
    pub warnings: bool,
    /// What of the language is enabled, and what the parser says of it.
    pub parse: ParseOptions,
    /// Nix's experimental features that are enabled.
    pub features: BTreeSet<String>,
    /// The search path.
    pub search_path: Vec<Entry>,
    /// What `builtins.currentSystem` says, if not this system.
    pub system: Option<String>,
    /// Where what it adds to the store goes.
    pub store: Place,
    /// The store is only read.
    pub read_only: bool,
    /// What is imported from a derivation may be built.
    pub builds: bool,
}

impl Settings {
    /// Reads them from the command line.
    pub fn new(arguments: &EvaluationArguments) -> Result<Self> {
        let mut settings = Settings {
            mode: Mode::Default,
            no_impure: arguments.no_impure,
            plugins: arguments.plugins.clone(),
            plugin_override: arguments.plugin_override,
            max_call_depth: None,
            max_memory: arguments.max_memory,
            gc_stress: arguments.gc_stress,
            show_trace: arguments.show_trace,
            trace_verbose: arguments.trace_verbose,
            // Three levels lie between the usual messages and errors alone.
            warnings: arguments.quiet < 3u8.saturating_add(arguments.verbose),
            parse: ParseOptions::default(),
            features: BTreeSet::new(),
            search_path: Vec::new(),
            system: None,
            store: Place::default(),
            read_only: arguments.readonly_mode,
            builds: true,
        };
        let mut options = Options {
            features: DEFAULT_FEATURES.to_owned(),
            ..Options::default()
        };
        for pair in arguments.option.chunks_exact(2) {
            options.set(&mut settings, &pair[0], &pair[1])?;
        }
        if let Some(depth) = arguments.max_call_depth {
            settings.max_call_depth = Some(depth);
        }
        if let [.., features] = &arguments.experimental_features[..] {
            options.features = features.clone();
        }
        for features in [&options.features]
            .into_iter()
            .chain(&options.extra_features)
            .chain(&arguments.extra_experimental_features)
        {
            settings.enable(features);
        }
        settings.parse.pipe_operators = settings.features.contains("pipe-operators");
        let lints = [
            (
                &arguments.lint_absolute_path_literals,
                &mut settings.parse.absolute_paths,
            ),
            (
                &arguments.lint_short_path_literals,
                &mut settings.parse.short_paths,
            ),
            (&arguments.lint_url_literals, &mut settings.parse.urls),
        ];
        for (argument, setting) in lints {
            *setting = argument.map_or(*setting, LintArgument::lint);
        }
        if arguments.pure_eval {
            options.pure_eval = true;
        } else if arguments.no_pure_eval || arguments.impure {
            options.pure_eval = false;
        }
        if arguments.restrict_eval || arguments.no_restrict_eval {
            options.restrict_eval = arguments.restrict_eval;
        }
        // Nix has a store to evaluate with, and one to build in; here is only the first.
        let store = [
            &arguments.eval_store,
            &options.eval_store,
            &arguments.store,
            &options.store,
        ]
        .into_iter()
        .flatten()
        .find(|url| !url.is_empty());
        if let Some(url) = store {
            settings.store = Place::parse(url)?;
        }
        // The system to evaluate for comes before the one to build on.
        settings.system = [&options.eval_system, &options.system]
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned();
        // The strictest one counts.
        settings.mode = match (options.pure_eval, arguments.pure, options.restrict_eval) {
            (true, ..) => Mode::PureEval,
            (false, true, _) => Mode::Pure,
            (false, false, true) => Mode::RestrictEval,
            (false, false, false) => Mode::Default,
        };
        settings.search_path = search_path(&arguments.include, &options, settings.mode);
        Ok(settings)
    }

    /// Makes evaluation pure, as it is of flakes unless `--impure` is given.
    pub fn for_flake(&mut self, arguments: &EvaluationArguments) {
        if self.mode == Mode::Default && !arguments.impure && !arguments.no_pure_eval {
            self.mode = Mode::PureEval;
            self.search_path.clear();
        }
    }

    /// Builtins that are not there.
    pub fn withheld(&self) -> BTreeSet<String> {
        WITHHELD
            .iter()
            .filter(|(feature, _)| !self.features.contains(*feature))
            .map(|(_, builtin)| (*builtin).to_owned())
            .collect()
    }

    fn enable(&mut self, features: &str) {
        for feature in features.split_whitespace() {
            if FEATURES.split_whitespace().any(|known| known == feature) {
                self.features.insert(feature.to_owned());
                if feature == "flakes" {
                    // Flakes are fetched as trees are.
                    self.features.insert("fetch-tree".to_owned());
                }
            } else if feature == "no-url-literals" {
                terminal::warn(
                    "experimental feature 'no-url-literals' has been stabilized and renamed; use 'lint-url-literals = fatal' \
                     setting instead",
                );
            } else {
                terminal::warn(&format!("unknown experimental feature '{feature}'"));
            }
        }
    }
}

/// What `--option` says that other flags have a say in, too.
#[derive(Default)]
struct Options {
    pure_eval: bool,
    restrict_eval: bool,
    features: String,
    extra_features: Vec<String>,
    nix_path: Option<String>,
    extra_nix_path: Vec<String>,
    eval_system: String,
    system: String,
    store: Option<String>,
    eval_store: Option<String>,
}

impl Options {
    fn set(&mut self, settings: &mut Settings, name: &str, value: &str) -> Result<()> {
        match name {
            "pure-eval" => self.pure_eval = boolean(name, value)?,
            "restrict-eval" => self.restrict_eval = boolean(name, value)?,
            "show-trace" => settings.show_trace = boolean(name, value)?,
            "trace-verbose" => settings.trace_verbose = boolean(name, value)?,
            "lint-absolute-path-literals" => settings.parse.absolute_paths = lint(name, value)?,
            "lint-short-path-literals" => settings.parse.short_paths = lint(name, value)?,
            "lint-url-literals" => settings.parse.urls = lint(name, value)?,
            "warn-short-path-literals" => {
                settings.parse.short_paths = if boolean(name, value)? {
                    Lint::Warn
                } else {
                    Lint::Ignore
                };
            }
            "max-call-depth" => {
                let depth = value.parse().map_err(|_| {
                    Failure::new(format!("setting '{name}' has invalid value '{value}'"))
                })?;
                settings.max_call_depth = Some(depth);
            }
            "experimental-features" => self.features = value.to_owned(),
            "extra-experimental-features" => self.extra_features.push(value.to_owned()),
            "nix-path" => self.nix_path = Some(value.to_owned()),
            "extra-nix-path" => self.extra_nix_path.push(value.to_owned()),
            "allow-import-from-derivation" => settings.builds = boolean(name, value)?,
            "store" => self.store = Some(value.to_owned()),
            "eval-store" => self.eval_store = Some(value.to_owned()),
            "eval-system" => self.eval_system = value.to_owned(),
            "system" => self.system = value.to_owned(),
            "abort-on-warn" if boolean(name, value)? => {
                return Err(Failure::new("the setting 'abort-on-warn' is not supported"));
            }
            "abort-on-warn" => {}
            _ => {
                let plain = name.strip_prefix("extra-").unwrap_or(name);
                if !IGNORED.split_whitespace().any(|known| known == plain) {
                    terminal::warn(&format!("unknown setting '{name}'"));
                }
            }
        }
        Ok(())
    }
}

fn lint(name: &str, value: &str) -> Result<Lint> {
    match <LintArgument as ValueEnum>::from_str(value, false) {
        Ok(argument) => Ok(argument.lint()),
        Err(_) => Err(Failure::new(format!(
            "setting '{name}' has invalid value '{value}', expected 'ignore', 'warn' or 'fatal'"
        ))),
    }
}

/// A mistyped value must not leave an evaluation less restricted than was meant, so it is an error where Nix warns.
fn boolean(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Failure::new(format!(
            "Boolean setting '{name}' has invalid value '{value}'"
        ))),
    }
}

/// The search path: `-I` first, then `NIX_PATH` or what is set in its place, then channels.
fn search_path(include: &[OsString], options: &Options, mode: Mode) -> Vec<Entry> {
    if matches!(mode, Mode::Pure | Mode::PureEval) {
        return Vec::new();
    }
    let mut entries: Vec<Entry> = include
        .iter()
        .map(|entry| Entry::parse(entry.as_bytes()))
        .collect();
    match (&options.nix_path, std::env::var_os("NIX_PATH")) {
        (Some(set), _) => entries.extend(
            set.split_whitespace()
                .map(|entry| Entry::parse(entry.as_bytes())),
        ),
        (None, Some(environment)) => entries.extend(parse_nix_path(environment.as_bytes())),
        (None, None) => {}
    }
    for extra in &options.extra_nix_path {
        entries.extend(
            extra
                .split_whitespace()
                .map(|entry| Entry::parse(entry.as_bytes())),
        );
    }
    if mode == Mode::Default {
        entries.extend(default_entries(std::env::var_os("HOME").as_deref()));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(arguments: EvaluationArguments) -> Mode {
        Settings::new(&arguments).expect("valid settings").mode
    }

    #[test]
    fn the_strictest_mode_counts() {
        let option = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let arguments = EvaluationArguments::default;
        assert_eq!(mode(arguments()), Mode::Default);
        assert_eq!(
            mode(EvaluationArguments {
                pure: true,
                ..arguments()
            }),
            Mode::Pure
        );
        assert_eq!(
            mode(EvaluationArguments {
                option: option("pure-eval", "true"),
                ..arguments()
            }),
            Mode::PureEval
        );
        assert_eq!(
            mode(EvaluationArguments {
                option: option("restrict-eval", "1"),
                pure: true,
                ..arguments()
            }),
            Mode::Pure
        );
        assert_eq!(
            mode(EvaluationArguments {
                option: option("pure-eval", "true"),
                impure: true,
                ..arguments()
            }),
            Mode::Default
        );
    }

    #[test]
    fn mistyped_values_are_errors() {
        let option = vec!["pure-eval".to_owned(), "maybe".to_owned()];
        assert!(
            Settings::new(&EvaluationArguments {
                option,
                ..EvaluationArguments::default()
            })
            .is_err()
        );
    }
}
