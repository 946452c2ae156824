//! An error as text for people: the traces from the outside in, then the message, each with the lines of source around its place.

use crate::error::{Error, Rank, Trace};
use crate::source::{Origin, Pos, SourceMap};
use crate::syntax::ast::Warning;
use std::fmt::Write;

/// How an error is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOptions {
    /// All steps of the trace (`--show-trace`).
    pub show_trace: bool,
    /// Escape sequences for colours.
    pub color: bool,
}

/// Steps that are shown without `--show-trace`.
const SHORT_TRACE: usize = 3;

/// `error` as Nix words and indents it.
pub fn report(error: &Error, sources: &SourceMap, options: ReportOptions) -> String {
    let paint = Paint {
        color: options.color,
    };
    // Duplicate neighbours (the same step seen from two frames) are told once.
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
    let mut traces: Vec<&Trace> = error.traces.iter().rev().filter(is_told).collect();
    traces.dedup_by(|a, b| a.pos == b.pos && a.text == b.text);
    let mut shown = Vec::new();
    let mut truncated = false;
    let mut count = 0;
    for trace in traces {
        if !options.show_trace && trace.rank != Rank::Context {
            count += 1;
            if count > SHORT_TRACE {
                truncated = true;
                continue;
            }
        }
        shown.push(trace);
    }
    let mut out = paint.red("error:");
    if shown.is_empty() {
        out.push(' ');
    } else {
        let indent = "       ";
        for trace in shown {
            out.push('\n');
            let text = trace.text.replace('\n', "\n       ");
            let _ = writeln!(out, "{indent}… {text}");
            if options.show_trace || !is_internal(trace.pos) {
                place(&mut out, sources, trace.pos, "         ", paint);
            }
        }
        if truncated {
            let _ = writeln!(
                out,
                "\n{indent}{}",
                paint.magenta(
                    "(stack trace truncated; use '--show-trace' to show the full, detailed trace)"
                )
            );
        }
        out.push('\n');
        let _ = write!(out, "{indent}{} ", paint.red("error:"));
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
