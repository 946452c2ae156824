//! `piton plugin`: what plugins say of themselves.

use crate::arguments::{ListArguments, PluginCommand};
use crate::failure::{Failure, Result};
use crate::output;
use crate::plugins;
use crate::session::Session;
use crate::terminal::clean;
use crate::world::{Access, Files, Messages, Outside, Rule};
use piton_core::eval::{Evaluator, Options};
use piton_core::host::{
    BuiltinInfo, Capabilities, LoadPolicy, Manifest, PluginInfo, capability_names, read_manifest,
};
use piton_core::report::ReportOptions;
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::path::Path;

/// Shows plugins.
pub fn run(command: &PluginCommand) -> Result<()> {
    match command {
        PluginCommand::List(arguments) => list(arguments),
        PluginCommand::Inspect {
            file,
            json,
            run: false,
        } => inspect(file, *json),
        PluginCommand::Inspect {
            file,
            json,
            run: true,
        } => document(file, *json),
    }
}

/// The plugins that an evaluation loads.
fn list(arguments: &ListArguments) -> Result<()> {
    let session = Session::new(&arguments.evaluation, &[])?;
    let host = &session.evaluator.vm().host;
    let builtins = host.builtins();
    let count = |plugin: &PluginInfo| {
        builtins
            .iter()
            .filter(|builtin| builtin.plugin == plugin.name)
            .count()
    };
    if arguments.json {
        let plugins = host.plugins().iter().map(|plugin| {
            json!({
                "name": plugin.name,
                "version": plugin.version,
                "language": plugin.language,
                "file": plugin.file.to_string_lossy(),
                "builtins": count(plugin),
            })
        });
        return print_json(&plugins.collect());
    }
    let mut rows = vec![["NAME", "VERSION", "LANGUAGE", "BUILTINS", "FILE"].map(str::to_owned)];
    rows.extend(host.plugins().iter().map(|plugin| {
        let (name, version, language) = (
            plugin.name.clone(),
            plugin.version.clone(),
            plugin.language.clone(),
        );
        [
            name,
            version,
            language,
            count(plugin).to_string(),
            plugin.file.display().to_string(),
        ]
    }));
    print(&table(&rows))
}

/// What the manifest in a file says. Nothing of the file runs.
fn inspect(file: &Path, as_json: bool) -> Result<()> {
    let bytes = plugins::open(file)?;
    let manifest = read_manifest(&bytes).map_err(|error| {
        Failure::new(format!(
            "cannot read the plugin '{}': {error}",
            file.display()
        ))
    })?;
    if as_json {
        let builtins = manifest.builtins.iter().map(|builtin| {
            json!({
                "name": builtin.name,
                "arity": builtin.arity,
                "capabilities": capability_names(builtin.capabilities),
            })
        });
        let mut description = head(&manifest);
        description["builtins"] = builtins.collect();
        return print_json(&description);
    }
    let mut text = title(&manifest);
    let mut rows = vec![["BUILTIN", "ARGUMENTS", "NEEDS"].map(str::to_owned)];
    rows.extend(manifest.builtins.iter().map(|builtin| {
        [
            builtin.name.clone(),
            builtin.arity.to_string(),
            capability_names(builtin.capabilities).join(", "),
        ]
    }));
    let _ = write!(text, "\n{}", table(&rows));
    print(&text)
}

/// Loads a plugin and shows the documentation of its builtins.
fn document(file: &Path, as_json: bool) -> Result<()> {
    let bytes = plugins::open(file)?;
    let mut evaluator = Evaluator::new(
        Box::new(nowhere()),
        Options {
            granted: Capabilities::NONE,
            ..Options::default()
        },
    );
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let options = ReportOptions {
        show_trace: false,
        color: crate::terminal::has_color(),
    };
    evaluator
        .load_plugin(&path, &bytes, &LoadPolicy::default())
        .map_err(|error| Failure::Report(evaluator.report(&error, options)))?;
    let manifest = read_manifest(&bytes).map_err(|error| Failure::new(error.to_string()))?;
    let builtins = evaluator.vm().host.builtins();
    if as_json {
        let builtins = builtins.iter().map(|builtin| {
            json!({
                "name": builtin.name,
                "arguments": builtin.arguments,
                "doc": builtin.doc,
                "example": builtin.example,
                "exampleResult": builtin.example_result,
                "since": builtin.since,
                "capabilities": capability_names(builtin.capabilities),
            })
        });
        let mut description = head(&manifest);
        description["builtins"] = builtins.collect();
        return print_json(&description);
    }
    let mut text = title(&manifest);
    for builtin in &builtins {
        describe(builtin, &mut text);
    }
    print(&text)
}

fn describe(builtin: &BuiltinInfo, text: &mut String) {
    let _ = write!(text, "\n{}", builtin.name);
    for argument in &builtin.arguments {
        let _ = write!(text, " {argument}");
    }
    text.push('\n');
    for line in builtin.doc.trim_end().lines() {
        let _ = writeln!(text, "  {}", line.trim_start());
    }
    if !builtin.example.is_empty() {
        let _ = writeln!(
            text,
            "  example: {}\n        => {}",
            builtin.example, builtin.example_result
        );
    }
    if !builtin.since.is_empty() {
        let _ = writeln!(text, "  since: {}", builtin.since);
    }
    if builtin.capabilities != 0 {
        let _ = writeln!(
            text,
            "  needs: {}",
            capability_names(builtin.capabilities).join(", ")
        );
    }
}

fn head(manifest: &Manifest) -> Json {
    let (major, minor) = manifest.abi;
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "abi": [major, minor],
        "target": manifest.target,
    })
}

fn title(manifest: &Manifest) -> String {
    let Manifest {
        name,
        version,
        abi: (major, minor),
        target,
        ..
    } = manifest;
    format!("{name} {version}, for ABI {major}.{minor} on {target}\n")
}

/// Columns, left-aligned.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Names and texts come from a file that nobody vouches for, so they are cleaned like messages.
fn print(text: &str) -> Result<()> {
    output::write(clean(text.as_bytes(), false).as_bytes())
}

fn print_json(value: &Json) -> Result<()> {
    output::write(format!("{value:#}\n").as_bytes())
}

/// A world without anything in it: documentation is read, nothing is evaluated.
fn nowhere() -> Outside {
    Outside {
        files: Files::new(Access::new(Rule::NoImpure, Vec::new())),
        search_path: Vec::new(),
        system: "".into(),
        current_dir: b"/".to_vec(),
        messages: Messages {
            verbose_traces: false,
            warnings: false,
        },
    }
}
