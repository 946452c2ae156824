//! Printing values: as Nix text, JSON, XML, or a string as it is.

use crate::failure::{Failure, Result};
use crate::session::Session;
use piton_core::error::{Error, ErrorKind};
use piton_core::heap::Value;
use piton_core::print::XmlOptions;
use piton_core::source::{Origin, Pos};
use std::collections::HashSet;
use std::io::Write;

/// How a value is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// As Nix text.
    Nix,
    /// As JSON.
    Json,
    /// As XML.
    Xml {
        /// With lines and columns.
        locations: bool,
    },
    /// A string without quotes or line end.
    Raw,
}

/// Writes bytes to standard output and sees to it that they arrive.
pub fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

impl Session {
    /// Prints a value in weak head normal form, after evaluating all of it if that is asked for.
    pub fn print(&mut self, value: Value, format: Format, strict: bool) -> Result<()> {
        if strict && matches!(format, Format::Nix | Format::Xml { .. }) {
            self.evaluator
                .force_deep(value)
                .map_err(|error| self.report(&error))?;
        }
        let mut text = match format {
            Format::Nix => self.evaluator.print(value),
            Format::Xml { locations } => {
                return write(&self.evaluator.xml(value, XmlOptions { locations }));
            }
            Format::Json => self.json(value, strict)?,
            Format::Raw => return write(&self.raw(value)?),
        };
        text.push(b'\n');
        write(&text)
    }

    fn json(&mut self, value: Value, strict: bool) -> Result<Vec<u8>> {
        let Some(to_json) = self.evaluator.builtin("toJSON") else {
            return Err(Failure::new(
                "no loaded plugin provides 'builtins.toJSON', which prints JSON",
            ));
        };
        if !strict {
            self.check_evaluated(value)?;
        }
        let json =
            self.evaluator
                .call(to_json, &[value])
                .map_err(|mut error| {
                    // It was not the program that called it.
                    if error.traces.last().is_some_and(|trace| {
                        !trace.pos.is_some() && trace.text.contains("'toJSON'")
                    }) {
                        error.traces.pop();
                    }
                    self.report(&error)
                })?;
        Ok(json.as_string().unwrap_or_default().to_vec())
    }

    /// The text of a string, or of what can be coerced to one as in an interpolation.
    fn raw(&mut self, value: Value) -> Result<Vec<u8>> {
        if let Some(text) = value.as_string() {
            return Ok(text.to_vec());
        }
        let coerced = self
            .evaluator
            .evaluate_source(Origin::Internal, b"value: \"${value}\"", b"/")
            .and_then(|coerce| self.evaluator.call(coerce, &[value]));
        match coerced {
            Ok(text) => Ok(text.as_string().unwrap_or_default().to_vec()),
            Err(mut error) => {
                // Of the interpolation above nobody knows.
                let sources = &self.evaluator.vm().sources;
                let is_ours = |pos| {
                    sources
                        .file(pos)
                        .is_some_and(|file| file.origin == Origin::Internal)
                };
                if is_ours(error.pos) {
                    error.pos = Pos::NONE;
                    error.traces.clear();
                    error.trace(Pos::NONE, "while generating the nix-instantiate output");
                } else {
                    error.traces.retain(|trace| !is_ours(trace.pos));
                }
                Err(self.report(&error))
            }
        }
    }

    /// An error if something within a value is not evaluated that would be part of its JSON. Nix evaluates no more for `--json`
    /// than for any other output, and has no notation for what is left.
    fn check_evaluated(&self, value: Value) -> Result<()> {
        let names = self.evaluator.vm().names;
        let mut seen = HashSet::new();
        // What is to be looked at, and the step that led there.
        let mut steps: Vec<(usize, Pos, String)> = Vec::new();
        let mut todo = vec![(value, None)];
        while let Some((value, step)) = todo.pop() {
            let value = value.resolved();
            if value.is_thunk() {
                return Err(self.report(&unevaluated(&steps, step)));
            }
            let parent = step.map_or(0, |step: usize| step + 1);
            if let Some(list) = value.as_list() {
                if !seen.insert(value) {
                    continue;
                }
                for (index, item) in list.items().iter().enumerate().rev() {
                    steps.push((
                        parent,
                        Pos::NONE,
                        format!("while evaluating list element at index {index}"),
                    ));
                    todo.push((*item, Some(steps.len() - 1)));
                }
            } else if let Some(attrs) = value.as_attrs() {
                if !seen.insert(value) || attrs.get(names.to_string).is_some() {
                    continue;
                }
                if let Some(path) = attrs.get(names.out_path) {
                    todo.push((path, step));
                    continue;
                }
                let interner = &self.evaluator.vm().interner;
                let mut entries = attrs.members();
                entries.sort_by_key(|(entry, _)| std::cmp::Reverse(interner.name(entry.name)));
                for (entry, item) in entries {
                    let name = interner.display(entry.name);
                    steps.push((
                        parent,
                        entry.pos,
                        format!("while evaluating attribute '{name}'"),
                    ));
                    todo.push((item, Some(steps.len() - 1)));
                }
            }
        }
        Ok(())
    }
}

fn unevaluated(steps: &[(usize, Pos, String)], step: Option<usize>) -> Error {
    let mut error = Error::new(ErrorKind::Type, "cannot convert a thunk to JSON");
    let mut next = step.map_or(0, |step| step + 1);
    while next > 0 {
        let (parent, pos, text) = &steps[next - 1];
        error = error.at(*pos);
        error.trace(*pos, text.clone());
        next = *parent;
    }
    error
}
