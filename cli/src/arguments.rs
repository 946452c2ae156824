//! The command line.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use piton_core::syntax::Lint;
use std::ffi::OsString;
use std::path::PathBuf;

/// Evaluates the Nix language. Every builtin comes from a plugin.
#[derive(Parser, Debug)]
#[command(
    name = "piton",
    version,
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Evaluate a file or an expression and print its value
    Eval(EvalArguments),
    /// Do what `nix-instantiate` does, with its flags
    Instantiate(InstantiateArguments),
    /// Print how a file or an expression was understood
    Parse(SourceArguments),
    /// Print the bytecode of a file or an expression
    Disasm(SourceArguments),
    /// Show derivations, and why two of them are not the same
    #[command(subcommand)]
    Drv(DrvCommand),
    /// Show plugins and the builtins in them
    #[command(subcommand)]
    Plugin(PluginCommand),
}

/// `piton eval`
#[derive(Args, Debug)]
#[command(args_override_self = true)]
pub struct EvalArguments {
    /// The file, or a folder with a `default.nix`; `-` is standard input, `<name>` is looked up in the search path,
    /// `DIR#ATTR` is part of a flake
    #[arg(default_value = "./default.nix", conflicts_with = "expr")]
    pub file: OsString,
    /// Evaluate this expression instead of a file
    #[arg(short = 'E', long, value_name = "EXPR", allow_hyphen_values = true)]
    pub expr: Option<OsString>,
    /// Evaluate a flake, or with `#ATTR` part of it, purely unless `--impure` is given
    #[arg(long, value_name = "REF", conflicts_with_all = ["file", "expr"])]
    pub flake: Option<OsString>,
    /// Print this part of the value, as in `a.b."c d".0`; may be given several times
    #[arg(
        short = 'A',
        long = "attr",
        value_name = "PATH",
        allow_hyphen_values = true
    )]
    pub attributes: Vec<OsString>,
    /// Evaluate everything within the value, too
    #[arg(long)]
    pub strict: bool,
    /// Print JSON (implies `--strict`)
    #[arg(long, conflicts_with_all = ["xml", "raw"])]
    pub json: bool,
    /// Print XML
    #[arg(long, conflicts_with = "raw")]
    pub xml: bool,
    /// Print a string as it is, without quotes or a line end
    #[arg(long)]
    pub raw: bool,
    /// Leave lines and columns out of XML
    #[arg(long)]
    pub no_location: bool,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub evaluation: EvaluationArguments,
}

/// `piton instantiate`, and `nix-instantiate`
#[derive(Parser, Debug)]
#[command(
    name = "nix-instantiate",
    bin_name = "nix-instantiate",
    args_override_self = true,
    disable_version_flag = true
)]
pub struct InstantiateArguments {
    /// Files, or with `--expr` expressions; `-` is standard input [default: ./default.nix]
    #[arg(value_name = "FILE")]
    pub files: Vec<OsString>,
    /// Take the arguments as expressions instead of files
    #[arg(short = 'E', long)]
    pub expr: bool,
    /// Print values instead of instantiating derivations
    #[arg(long, alias = "eval-only")]
    pub eval: bool,
    /// Print how the sources were understood
    #[arg(long, alias = "parse-only")]
    pub parse: bool,
    /// Look the arguments up in the search path and print the paths
    #[arg(long)]
    pub find_file: bool,
    /// Take this part of the value, as in `a.b."c d".0`; may be given several times
    #[arg(
        short = 'A',
        long = "attr",
        value_name = "PATH",
        allow_hyphen_values = true
    )]
    pub attributes: Vec<OsString>,
    /// Evaluate everything within the value, too
    #[arg(long)]
    pub strict: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print XML
    #[arg(long)]
    pub xml: bool,
    /// Print a string as it is, without quotes or a line end
    #[arg(long)]
    pub raw: bool,
    /// Leave lines and columns out of XML
    #[arg(long)]
    pub no_location: bool,
    /// Keep derivations from being collected, by links with this name
    #[arg(long, value_name = "PATH")]
    pub add_root: Option<OsString>,
    /// Do not warn of derivations that may be collected
    #[arg(long)]
    pub no_gc_warning: bool,
    /// Add to the store with `--eval`, too
    #[arg(long)]
    pub read_write_mode: bool,
    /// Print what would be instantiated; the store is only read
    #[arg(long)]
    pub dry_run: bool,
    /// Print the version
    #[arg(long)]
    pub version: bool,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub evaluation: EvaluationArguments,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub ignored: IgnoredArguments,
}

/// `piton parse` and `piton disasm`
#[derive(Args, Debug)]
#[command(args_override_self = true)]
pub struct SourceArguments {
    /// The file, or a folder with a `default.nix`; `-` is standard input
    #[arg(default_value = "./default.nix", conflicts_with = "expr")]
    pub file: OsString,
    /// Take this expression instead of a file
    #[arg(short = 'E', long, value_name = "EXPR", allow_hyphen_values = true)]
    pub expr: Option<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub evaluation: EvaluationArguments,
}

/// `piton drv`
#[derive(Subcommand, Debug)]
pub enum DrvCommand {
    /// Show what derivations say
    Show(Box<DrvShowArguments>),
    /// Tell in what two derivations differ, they themselves and what they need; the status is 1 if they do
    Diff(Box<DrvDiffArguments>),
}

/// `piton drv show`
#[derive(Args, Debug)]
#[command(args_override_self = true)]
pub struct DrvShowArguments {
    /// Files of derivations ('/nix/store/...-x.drv') or attributes ('a.b', 'FILE#a.b') [default: the whole value]
    #[arg(value_name = "DERIVATION")]
    pub names: Vec<OsString>,
    /// Show what they need, too, and so on
    #[arg(short = 'r', long)]
    pub recursive: bool,
    /// Print JSON, in the form of `nix derivation show`
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub derivations: DerivationArguments,
}

/// `piton drv diff`
#[derive(Args, Debug)]
#[command(args_override_self = true)]
pub struct DrvDiffArguments {
    /// A file of a derivation ('/nix/store/...-x.drv') or an attribute ('a.b', 'FILE#a.b')
    #[arg(value_name = "A")]
    pub a: OsString,
    /// The other one
    #[arg(value_name = "B")]
    pub b: OsString,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub derivations: DerivationArguments,
}

/// Where derivations are looked for.
#[derive(Args, Debug)]
pub struct DerivationArguments {
    /// The file that attributes are taken from, or a folder with a `default.nix`; `-` is standard input
    #[arg(
        short = 'f',
        long,
        default_value = "./default.nix",
        conflicts_with = "expr"
    )]
    pub file: OsString,
    /// Take attributes from the value of this expression
    #[arg(short = 'E', long, value_name = "EXPR", allow_hyphen_values = true)]
    pub expr: Option<OsString>,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub evaluation: EvaluationArguments,
}

/// `piton plugin list`
#[derive(Args, Debug)]
#[command(args_override_self = true)]
pub struct ListArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)] // its type says what it holds
    pub evaluation: EvaluationArguments,
}

/// `piton plugin`
#[derive(Subcommand, Debug)]
pub enum PluginCommand {
    /// List the plugins that an evaluation loads
    List(Box<ListArguments>),
    /// Show what a plugin says of itself, without running any of its code
    Inspect {
        /// The shared library
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Load the plugin, which runs its code, and show the documentation of its builtins
        #[arg(long)]
        run: bool,
    },
}

/// What all evaluations have in common.
#[derive(Args, Debug, Default)]
pub struct EvaluationArguments {
    /// Pass the value of an expression as an argument to functions
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], action = ArgAction::Append, allow_hyphen_values = true)]
    pub arg: Vec<OsString>,
    /// Pass a string as an argument to functions
    #[arg(long, num_args = 2, value_names = ["NAME", "STRING"], action = ArgAction::Append, allow_hyphen_values = true)]
    pub argstr: Vec<OsString>,
    /// Pass the contents of a file as an argument to functions
    #[arg(long, num_args = 2, value_names = ["NAME", "FILE"], action = ArgAction::Append, allow_hyphen_values = true)]
    pub arg_from_file: Vec<OsString>,
    /// Add an entry `NAME=PATH` or `PATH` to the search path, before those of NIX_PATH
    #[arg(
        short = 'I',
        long = "include",
        value_name = "ENTRY",
        allow_hyphen_values = true
    )]
    pub include: Vec<OsString>,
    /// Load this plugin, too
    #[arg(long = "plugin", value_name = "FILE", help_heading = "Plugins")]
    pub plugins: Vec<PathBuf>,
    /// Let the builtins of a plugin replace those of plugins before it
    #[arg(long, help_heading = "Plugins")]
    pub plugin_override: bool,
    /// Evaluate purely: read the store and the tree of the file alone, no environment, no clock
    #[arg(long, help_heading = "Modes")]
    pub pure: bool,
    /// Do not even open the library of impure builtins; `import` reaches the tree of the file alone
    #[arg(long, help_heading = "Modes")]
    pub no_impure: bool,
    /// Follow the rules of Nix's pure evaluation (as `--option pure-eval true`)
    #[arg(long, overrides_with_all = ["no_pure_eval", "impure"], help_heading = "Modes")]
    pub pure_eval: bool,
    #[arg(long, hide = true)]
    #[allow(missing_docs)] // its type says what it holds
    pub no_pure_eval: bool,
    /// Evaluate impurely, which is the default
    #[arg(long, help_heading = "Modes")]
    pub impure: bool,
    /// Follow the rules of Nix's restricted evaluation (as `--option restrict-eval true`)
    #[arg(long, overrides_with = "no_restrict_eval", help_heading = "Modes")]
    pub restrict_eval: bool,
    #[arg(long, hide = true)]
    #[allow(missing_docs)] // its type says what it holds
    pub no_restrict_eval: bool,
    /// Add derivations and sources to this store: a folder ('./store'), 'daemon', or 'unix://SOCKET'; without it they end with
    /// the evaluation
    #[arg(long, value_name = "STORE", help_heading = "Store")]
    pub store: Option<String>,
    /// The same, where it is not the store that things are built in
    #[arg(long, value_name = "STORE", help_heading = "Store", hide = true)]
    pub eval_store: Option<String>,
    /// Add nothing to the store, and read it only
    #[arg(long, help_heading = "Store")]
    pub readonly_mode: bool,
    /// How many calls may be nested
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_call_depth: Option<u32>,
    /// How much memory the process may take: bytes, or with K, M, G, T
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, help_heading = "Limits")]
    pub max_memory: Option<usize>,
    /// Collect garbage at every safepoint, and compile late whatever can be: which is slow and finds bugs
    #[arg(long, help_heading = "Limits")]
    pub gc_stress: bool,
    /// How many threads work: one evaluates, others compile files before they are imported, and hash derivations
    #[arg(long, value_name = "N", value_parser = parse_threads, default_value_t = 1)]
    pub threads: usize,
    /// Compile all files anew, and keep nothing of it for the next time
    #[arg(long)]
    pub no_cache: bool,
    /// Tell at the end, as JSON on standard error, what the evaluation did: calls, thunks, sets, builtins, memory
    #[arg(long, help_heading = "Measuring")]
    pub stats: bool,
    /// Write a profile of the evaluation, by function and builtin, to this file
    #[arg(long, value_name = "FILE", help_heading = "Measuring")]
    pub profile: Option<PathBuf>,
    /// What that file is: "collapsed" stacks, which flame graph tools read, or "speedscope"
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Measuring"
    )]
    pub profile_format: ProfileFormat,
    /// Show all steps of the trace of an error
    #[arg(long, overrides_with = "no_show_trace")]
    pub show_trace: bool,
    #[arg(long, hide = true)]
    #[allow(missing_docs)] // its type says what it holds
    pub no_show_trace: bool,
    /// Show the messages of `builtins.traceVerbose`
    #[arg(long)]
    pub trace_verbose: bool,
    /// Enable these experimental features, as in "pipe-operators", beside those that are enabled
    #[arg(long, value_name = "FEATURES")]
    pub extra_experimental_features: Vec<String>,
    /// Enable these experimental features
    #[arg(long, value_name = "FEATURES")]
    pub experimental_features: Vec<String>,
    /// What to say of absolute paths and of those that begin with `~/`
    #[arg(long, value_name = "LEVEL", help_heading = "Lints")]
    pub lint_absolute_path_literals: Option<LintArgument>,
    /// What to say of relative paths that do not begin with a dot
    #[arg(long, value_name = "LEVEL", help_heading = "Lints")]
    pub lint_short_path_literals: Option<LintArgument>,
    /// What to say of URLs without quotes
    #[arg(long, value_name = "LEVEL", help_heading = "Lints")]
    pub lint_url_literals: Option<LintArgument>,
    /// Set one of Nix's settings
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], action = ArgAction::Append, allow_hyphen_values = true)]
    pub option: Vec<String>,
    /// Say more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say less; three times hides warnings
    #[arg(long, action = ArgAction::Count)]
    pub quiet: u8,
}

/// How a profile is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum, Debug)]
pub enum ProfileFormat {
    /// A line for each stack
    #[default]
    Collapsed,
    /// JSON
    Speedscope,
}

/// What becomes of a literal that is discouraged.
#[derive(Clone, Copy, ValueEnum, Debug)]
pub enum LintArgument {
    /// Nothing
    Ignore,
    /// It is warned of
    Warn,
    /// It is an error
    Fatal,
}

impl LintArgument {
    /// As the parser has it.
    pub fn lint(self) -> Lint {
        match self {
            LintArgument::Ignore => Lint::Ignore,
            LintArgument::Warn => Lint::Warn,
            LintArgument::Fatal => Lint::Fatal,
        }
    }
}

/// Flags of `nix-instantiate` that mean nothing here, or nothing yet.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Accepted without effect")]
#[allow(missing_docs)]
pub struct IgnoredArguments {
    #[arg(long, hide_short_help = true)]
    pub indirect: bool,
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    pub log_format: Option<OsString>,
    #[arg(long, hide_short_help = true)]
    pub debug: bool,
    #[arg(short = 'Q', long, hide_short_help = true)]
    pub no_build_output: bool,
    #[arg(short = 'K', long, hide_short_help = true)]
    pub keep_failed: bool,
    #[arg(short = 'k', long, hide_short_help = true)]
    pub keep_going: bool,
    #[arg(long, hide_short_help = true)]
    pub fallback: bool,
    #[arg(short = 'j', long, value_name = "N", hide_short_help = true)]
    pub max_jobs: Option<OsString>,
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub cores: Option<OsString>,
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub timeout: Option<OsString>,
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub max_silent_time: Option<OsString>,
}

/// Bytes: a number, with K, M, G or T for powers of 1024.
/// More have nothing to do.
const MAX_THREADS: usize = 64;

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=MAX_THREADS).contains(&threads) => Ok(threads),
        _ => Err(format!("a number from 1 to {MAX_THREADS} is expected")),
    }
}

fn parse_bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        Some(b'T' | b't') => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| format!("'{text}' is not a number of bytes, as in 512M"))?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("an evaluation cannot do without memory".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err(format!("'{text}' is more than can be addressed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
        InstantiateArguments::command().debug_assert();
    }

    #[test]
    fn bytes() {
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("2K"), Ok(2048));
        assert_eq!(parse_bytes("3g"), Ok(3 << 30));
        for text in ["", "K", "-1", "1.5G", "0", "99999999999T", "1 K"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_of_nix_instantiate() {
        let parse = |args: &[&str]| {
            InstantiateArguments::try_parse_from([&["nix-instantiate"], args].concat())
        };
        let parsed = parse(&[
            "--eval", "-E", "1", "-E", "2", "-", "--arg", "a", "-1", "--arg", "b", "2", "-vv",
        ])
        .expect("valid");
        assert_eq!(parsed.files, ["1", "2", "-"]);
        assert_eq!(parsed.evaluation.arg, ["a", "-1", "b", "2"]);
        assert!(parse(&["--arg", "a"]).is_err());
        assert!(parse(&["--no-such-flag"]).is_err());
    }
}
