//! `piton drv show`

use super::json;
use super::load::Derivations;
use crate::arguments::DrvShowArguments;
use crate::failure::Result;
use crate::output;
use piton_core::store::{Derivation, Output, escaped};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;

/// Shows derivations, with all that they need if that is asked for.
pub fn run(arguments: &DrvShowArguments) -> Result<()> {
    let whole = [OsString::new()];
    let names = if arguments.names.is_empty() {
        &whole
    } else {
        &arguments.names[..]
    };
    let (mut derivations, paths) = Derivations::load(&arguments.derivations, names)?;
    let mut wanted = BTreeMap::new();
    let mut todo = paths;
    while let Some(path) = todo.pop() {
        if wanted.contains_key(&path) {
            continue;
        }
        let derivation = derivations.read(&path)?;
        if arguments.recursive {
            todo.extend(derivation.inputs().iter().map(|(path, ..)| path.to_vec()));
        }
        wanted.insert(path, ());
    }
    let mut read = BTreeMap::new();
    for path in wanted.into_keys() {
        let derivation = derivations.get(&path)?;
        read.insert(path, derivation);
    }
    if !arguments.json {
        let texts: Vec<Vec<u8>> = read.iter().map(|(path, drv)| describe(path, drv)).collect();
        return output::write(crate::terminal::clean(&texts.join(&b'\n'), false).as_bytes());
    }
    let mut text = json::all(&read)?;
    // As Nix does.
    if std::io::stdout().is_terminal() {
        text = json::indented(&text);
    }
    text.push('\n');
    output::write(text.as_bytes())
}

/// A derivation for people: each of its parts on a line.
fn describe(path: &[u8], derivation: &Derivation<'_>) -> Vec<u8> {
    let mut out = [path, b"\n"].concat();
    let mut line = |label: &str, text: &[u8]| {
        out.extend_from_slice(format!("  {label:<8} ").as_bytes());
        out.extend_from_slice(text);
        out.push(b'\n');
    };
    line("name", &derivation.name);
    line("system", &derivation.system);
    line("builder", &derivation.builder);
    for arg in &derivation.args {
        line("arg", &shown(arg));
    }
    for (name, output) in &derivation.outputs {
        let what = match output {
            Output::InputAddressed(path) => path.to_vec(),
            Output::Fixed { path, method, hash } => [
                path,
                format!(" ({} {})", json::method_name(*method), hash.sri()).as_bytes(),
            ]
            .concat(),
            Output::Floating { method, algorithm } => {
                let how = json::method_name(*method);
                format!("content-addressed ({how} {})", algorithm.name()).into_bytes()
            }
            Output::Impure { method, algorithm } => {
                let how = json::method_name(*method);
                format!("impure ({how} {})", algorithm.name()).into_bytes()
            }
            Output::Deferred => b"not known before its inputs are built".to_vec(),
        };
        line("output", &[name, &b" "[..], &what].concat());
    }
    for (path, outputs) in &derivation.input_drvs {
        line("input", &[path, &b"^"[..], &outputs.join(&b',')].concat());
    }
    for (path, way) in &derivation.dynamic_inputs {
        line("input", &[path, &b"^"[..], &way.join(&b'^')].concat());
    }
    for path in &derivation.input_srcs {
        line("input", path);
    }
    for (name, value) in &derivation.env {
        line("env", &[name, &b" = "[..], &shown(value)].concat());
    }
    out
}

/// A text on one line, between quotes.
pub fn shown(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    escaped(&mut out, text);
    out
}
