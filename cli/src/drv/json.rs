//! Derivations as JSON, in the form of `nix derivation show`.

use crate::failure::{Failure, Result};
use piton_core::store::{Derivation, Method, Output, STORE_DIR, Tree, Visit};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of the form.
const VERSION: u32 = 4;

/// The variable that structured attributes are in.
const STRUCTURED: &[u8] = b"__json";

/// All of these derivations, by the names of their files.
pub fn all(derivations: &BTreeMap<Vec<u8>, Derivation<'_>>) -> Result<String> {
    let mut out = String::from("{\"derivations\":{");
    for (index, (path, derivation)) in derivations.iter().enumerate() {
        comma(&mut out, index);
        let _ = write!(out, "{}:", string(base(path))?);
        one(&mut out, derivation)?;
    }
    let _ = write!(out, "}},\"version\":{VERSION}}}");
    Ok(out)
}

fn one(out: &mut String, derivation: &Derivation<'_>) -> Result<()> {
    out.push_str("{\"args\":");
    list(out, derivation.args.iter().map(|arg| &**arg))?;
    let _ = write!(
        out,
        ",\"builder\":{},\"env\":{{",
        string(&derivation.builder)?
    );
    let variables = derivation
        .env
        .iter()
        .filter(|(name, _)| **name != *STRUCTURED);
    for (index, (name, value)) in variables.enumerate() {
        comma(out, index);
        let _ = write!(out, "{}:{}", string(name)?, string(value)?);
    }
    out.push_str("},\"inputs\":{\"drvs\":{");
    for (index, (path, outputs, ways)) in derivation.inputs().into_iter().enumerate() {
        comma(out, index);
        let _ = write!(out, "{}:", string(base(path))?);
        let outputs = outputs.iter().map(|output| &**output);
        let tree = Tree::new(outputs, ways.iter().map(|(_, way)| &way[..]));
        tree.walk::<Failure>(|visit| {
            match visit {
                Visit::Enter(..) => out.push_str("{\"dynamicOutputs\":{"),
                Visit::Output(name, index) => {
                    comma(out, index);
                    let _ = write!(out, "{}:", string(name)?);
                }
                Visit::OutputDone => {}
                Visit::Leave(outputs, _) => {
                    out.push_str("},\"outputs\":");
                    list(out, outputs.iter().copied())?;
                    out.push('}');
                }
            }
            Ok(())
        })?;
    }
    out.push_str("},\"srcs\":");
    list(out, derivation.input_srcs.iter().map(|path| base(path)))?;
    let _ = write!(
        out,
        "}},\"name\":{},\"outputs\":{{",
        string(&derivation.name)?
    );
    for (index, (name, output)) in derivation.outputs.iter().enumerate() {
        comma(out, index);
        let _ = write!(out, "{}:{}", string(name)?, output_json(output)?);
    }
    out.push('}');
    if let Some((_, json)) = derivation
        .env
        .iter()
        .find(|(name, _)| **name == *STRUCTURED)
    {
        let _ = write!(out, ",\"structuredAttrs\":{}", text(json)?);
    }
    let _ = write!(
        out,
        ",\"system\":{},\"version\":{VERSION}}}",
        string(&derivation.system)?
    );
    Ok(())
}

fn output_json(output: &Output<'_>) -> Result<String> {
    Ok(match output {
        Output::InputAddressed(path) => format!("{{\"path\":{}}}", string(base(path))?),
        Output::Fixed { method, hash, .. } => {
            format!(
                "{{\"hash\":\"{}\",\"method\":\"{}\"}}",
                hash.sri(),
                method_name(*method)
            )
        }
        Output::Floating { method, algorithm } => format!(
            "{{\"hashAlgo\":\"{}\",\"method\":\"{}\"}}",
            algorithm.name(),
            method_name(*method)
        ),
        Output::Impure { method, algorithm } => format!(
            "{{\"hashAlgo\":\"{}\",\"impure\":true,\"method\":\"{}\"}}",
            algorithm.name(),
            method_name(*method)
        ),
        Output::Deferred => "{}".to_owned(),
    })
}

/// As `outputHashMode` has it today.
pub fn method_name(method: Method) -> &'static str {
    match method {
        Method::Flat => "flat",
        Method::Recursive => "nar",
        Method::Text => "text",
        Method::Git => "git",
    }
}

fn list<'t>(out: &mut String, items: impl Iterator<Item = &'t [u8]>) -> Result<()> {
    out.push('[');
    for (index, item) in items.enumerate() {
        comma(out, index);
        out.push_str(&string(item)?);
    }
    out.push(']');
    Ok(())
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

/// The last component of a path.
pub fn base(path: &[u8]) -> &[u8] {
    path.strip_prefix(STORE_DIR.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"/"))
        .unwrap_or(path)
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes);
        Failure::new(format!(
            "'{shown}' is not UTF-8, so that JSON cannot hold it"
        ))
    })
}

fn string(bytes: &[u8]) -> Result<String> {
    Ok(serde_json::Value::from(text(bytes)?).to_string())
}

/// JSON over several lines, for people. Nothing but space between values is changed.
pub fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut characters = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth * 2));
    };
    while let Some(character) = characters.next() {
        out.push(character);
        match character {
            '"' => {
                while let Some(inner) = characters.next() {
                    out.push(inner);
                    match inner {
                        '"' => break,
                        '\\' => out.extend(characters.next()),
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
        if characters
            .peek()
            .is_some_and(|next| matches!(next, '}' | ']'))
        {
            depth = depth.saturating_sub(1);
            line(&mut out, depth);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn json_over_lines() {
        let json = r#"{"a":[],"b":{"c":["x,{\"","y"]},"d":{}}"#;
        let lines = "{\n  \"a\": [],\n  \"b\": {\n    \"c\": [\n      \"x,{\\\"\",\n      \"y\"\n    ]\n  },\n  \"d\": {}\n}";
        assert_eq!(indented(json), lines);
    }
}
