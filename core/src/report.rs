//! An error as text for people: the traces from the outside in, then the message, each with the lines of source around its place.

use crate::error::{Error, Rank, Trace};
use crate::source::{Origin, Pos, SourceMap};
use crate::syntax::ast::Warning;
use rustc_hash::FxHashSet;
use std::fmt::Write;

/// How an error is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOptions {
    /// All steps of the trace (`--show-trace`).
    pub show_trace: bool,
    /// Escape sequences for colours.
    pub color: bool,
}

/// Without `--show-trace` steps are shown as long as there are no more lines than this before: a step is one, its place another.
const SHORT_TRACE: usize = 3;

/// So many steps that have been told before are told again, in a row; more are counted.
const REPEATED: usize = 5;

const INDENT: &str = "       ";

/// The steps of a trace, told one by one.
struct Traces<'t, W> {
    options: ReportOptions,
    lines: usize,
    seen: FxHashSet<(Pos, &'t str)>,
    /// Those at the end that have been told before.
    skipped: Vec<&'t Trace>,
    write: W,
}

impl<'t, W: Fn(&mut String, &Trace)> Traces<'t, W> {
    /// The next step; false if there is no room for it.
    fn add(&mut self, out: &mut String, trace: &'t Trace) -> bool {
        let has_room = self.options.show_trace || self.lines <= SHORT_TRACE;
        if has_room || trace.rank == Rank::Context {
            if self.seen.insert((trace.pos, &trace.text)) {
                self.tell_skipped(out);
                self.tell(out, trace);
            } else {
                self.skipped.push(trace);
            }
        }
        has_room
    }

    fn tell(&mut self, out: &mut String, trace: &Trace) {
        (self.write)(out, trace);
        self.lines += 1 + usize::from(trace.pos.is_some());
    }

    fn tell_skipped(&mut self, out: &mut String) {
        let skipped = std::mem::take(&mut self.skipped);
        if skipped.len() <= REPEATED {
            for trace in skipped {
                self.tell(out, trace);
            }
            return;
        }
        let _ = writeln!(
            out,
            "\n{INDENT}({} duplicate frames omitted)",
            skipped.len()
        );
    }
}

/// `error` as Nix words and indents it.
pub fn report(error: &Error, sources: &SourceMap, options: ReportOptions) -> String {
    let paint = Paint {
        color: options.color,
    };
    // Steps within the texts of builtins say nothing to who did not write them.
    let is_internal =
        |pos: Pos| matches!(sources.file(pos), Some(file) if file.origin == Origin::Internal);
    let is_told = |trace: &&Trace| match trace.rank {
        _ if trace.text.is_empty() => false,
        _ if options.show_trace => true,
        Rank::Context => true,
        Rank::Step => !is_internal(trace.pos),
        Rank::Call => false,
    };
    let told: Vec<&Trace> = error.traces.iter().rev().filter(is_told).collect();
    let same = |a: &&Trace, b: &&Trace| a.pos == b.pos && a.text == b.text;
    // A step seen from two frames is told once.
    let told = told.chunk_by(same).flat_map(|steps| match steps {
        [step, _] if step.pos.is_some() => &steps[..1],
        _ => steps,
    });
    let mut out = paint.red("error:");
    let mut traces = Traces {
        options,
        lines: 0,
        seen: FxHashSet::default(),
        skipped: Vec::new(),
        write: |out: &mut String, trace: &Trace| {
            let text = trace.text.replace('\n', "\n       ");
            let _ = writeln!(out, "\n{INDENT}… {text}");
            if options.show_trace || !is_internal(trace.pos) {
                place(out, sources, trace.pos, "         ", paint);
            }
        },
    };
    let mut truncated = false;
    for trace in told {
        truncated |= !traces.add(&mut out, trace);
    }
    if traces.lines == 0 {
        out.push(' ');
    } else {
        traces.tell_skipped(&mut out);
        if truncated {
            let _ = writeln!(
                out,
                "\n{INDENT}{}",
                paint.magenta(
                    "(stack trace truncated; use '--show-trace' to show the full, detailed trace)"
                )
            );
        }
        out.push('\n');
        let _ = write!(out, "{INDENT}{} ", paint.red("error:"));
    }
    let mut lines = error.message.split('\n');
    let _ = writeln!(out, "{}", lines.next().unwrap_or_default());
    for line in lines {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "       {line}");
        }
    }
    if options.show_trace || !is_internal(error.pos) {
        place(&mut out, sources, error.pos, "       ", paint);
    }
    if !error.suggestions.is_empty() {
        let _ = writeln!(
            out,
            "       Did you mean {}?",
            alternatives(&error.suggestions)
        );
    }
    if let Some(hint) = &error.hint {
        let _ = writeln!(out, "       hint: {hint}");
    }
    out
}

/// A warning of the parser, to stand behind "warning: ".
pub fn warning(warning: &Warning, sources: &SourceMap) -> String {
    let (pos, message) = match warning {
        Warning::Literal(pos, message) => (*pos, message),
        Warning::Or(pos, message) => {
            let Some(location) = sources.locate(*pos) else {
                return message.clone();
            };
            let (line, column) = (location.line, location.column);
            return format!(
                "at {}:{line}:{column}: {message}",
                location.file.origin.display()
            );
        }
    };
    let mut lines = String::new();
    place(&mut lines, sources, pos, "       ", Paint { color: false });
    let mut out = message.to_owned();
    for line in lines.lines() {
        let _ = write!(out, "\n  {line}");
    }
    out
}

fn alternatives(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [rest @ .., last] => format!("one of {} or {last}", rest.join(", ")),
        [] => String::new(),
    }
}

fn place(out: &mut String, sources: &SourceMap, pos: Pos, indent: &str, paint: Paint) {
    let Some(location) = sources.locate(pos) else {
        if let Some(file) = sources.file(pos) {
            let name = paint.blue(&file.origin.display());
            let _ = writeln!(out, "{indent}at {name}, which has changed meanwhile");
        }
        return;
    };
    let name = location.file.origin.display();
    let _ = writeln!(
        out,
        "{indent}at {}:",
        paint.blue(&format!("{name}:{}:{}", location.line, location.column))
    );
    let text = |delta: i64| {
        location
            .line_text(delta)
            .map(|line| String::from_utf8_lossy(line).into_owned())
    };
    if location.line > 1
        && let Some(line) = text(-1)
    {
        source_line(out, location.line - 1, &line);
    }
    let Some(line) = text(0) else { return };
    source_line(out, location.line, &line);
    let column = location.column as usize;
    let _ = writeln!(
        out,
        "             |{}{}",
        " ".repeat(column),
        paint.red("^")
    );
    if let Some(line) = text(1) {
        source_line(out, location.line + 1, &line);
    }
}

fn source_line(out: &mut String, number: u32, line: &str) {
    // Control characters of a source must not reach the terminal.
    let line: String = line
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let text = format!("       {number:6}| {line}");
    let _ = writeln!(out, "{}", text.trim_end());
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn red(self, text: &str) -> String {
        self.with("31;1", text)
    }

    fn blue(self, text: &str) -> String {
        self.with("34;1", text)
    }

    fn magenta(self, text: &str) -> String {
        self.with("35;1", text)
    }
}
