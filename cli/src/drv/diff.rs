//! `piton drv diff`: why two derivations are not the same. Each pair of derivations is compared by what stands in it; paths that
//! differ in nothing but their hash are taken for the same, as that difference has a reason further down: inputs of the same
//! name are a pair, too.

use super::json::method_name;
use super::load::Derivations;
use super::show::shown;
use crate::arguments::DrvDiffArguments;
use crate::failure::Result;
use crate::output;
use piton_core::store::{Derivation, Output, STORE_DIR, split_store_path, store_name};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::process::ExitCode;

/// How long a value may be to be shown whole.
const MAX_SHOWN: usize = 200;

/// Two derivations, and how they were reached.
struct Pair {
    a: Vec<u8>,
    b: Vec<u8>,
    way: Vec<String>,
}

/// Compares; the status is 1 if there is a difference.
pub fn run(arguments: &DrvDiffArguments) -> Result<ExitCode> {
    let names = [arguments.a.clone(), arguments.b.clone()];
    let (mut derivations, paths) = Derivations::load(&arguments.derivations, &names)?;
    let [a, b] = &paths[..] else {
        return Ok(ExitCode::FAILURE);
    };
    if a == b {
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = [b"- ", &a[..], b"\n+ ", b, b"\n"].concat();
    let mut seen = HashSet::new();
    let mut todo = VecDeque::from([Pair {
        a: a.clone(),
        b: b.clone(),
        way: Vec::new(),
    }]);
    while let Some(pair) = todo.pop_front() {
        derivations.read(&pair.a)?;
        derivations.read(&pair.b)?;
        let (a, b) = (derivations.get(&pair.a)?, derivations.get(&pair.b)?);
        let mut way = pair.way;
        way.push(String::from_utf8_lossy(&b.name).into_owned());
        let lines = differences(&a, &b);
        if !lines.is_empty() {
            out.extend_from_slice(format!("\n{}\n", way.join(" > ")).as_bytes());
            if way.len() > 1 {
                out.extend_from_slice(&[b"  - ", &pair.a[..], b"\n  + ", &pair.b, b"\n"].concat());
            }
            for line in lines {
                out.extend_from_slice(&[b"  ", &line[..], b"\n"].concat());
            }
        }
        for (a, b) in input_pairs(&a, &b) {
            if seen.insert((a.clone(), b.clone())) {
                todo.push_back(Pair {
                    a,
                    b,
                    way: way.clone(),
                });
            }
        }
    }
    output::write(crate::terminal::clean(&out, false).as_bytes())?;
    Ok(ExitCode::FAILURE)
}

/// Inputs by name: derivations that both have are not told here.
fn inputs<'d>(derivation: &'d Derivation<'_>) -> BTreeMap<&'d [u8], Vec<&'d [u8]>> {
    let mut inputs: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for (path, ..) in derivation.inputs() {
        inputs.entry(store_name(path)).or_default().push(path);
    }
    inputs
}

/// Inputs of the same name that are not the same. Where several have one name, those that both have are set aside, and the
/// others are pairs in their order.
fn input_pairs(a: &Derivation<'_>, b: &Derivation<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (ours, theirs) = (inputs(a), inputs(b));
    let mut pairs = Vec::new();
    for (name, ours) in &ours {
        let Some(theirs) = theirs.get(name) else {
            continue;
        };
        let left = ours.iter().filter(|path| !theirs.contains(path));
        let right = theirs.iter().filter(|path| !ours.contains(path));
        pairs.extend(left.zip(right).map(|(a, b)| (a.to_vec(), b.to_vec())));
    }
    pairs
}

/// What stands in one of them and not in the other.
fn differences(a: &Derivation<'_>, b: &Derivation<'_>) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut both = |label: &str, a: Option<&[u8]>, b: Option<&[u8]>| {
        if a == b
            || a.zip(b)
                .is_some_and(|(a, b)| without_hashes(a) == without_hashes(b))
        {
            return;
        }
        let change = match (a, b) {
            (Some(a), Some(b)) => change(a, b),
            (Some(a), None) => [&b"- "[..], &short(a)].concat(),
            (None, Some(b)) => [&b"+ "[..], &short(b)].concat(),
            (None, None) => return,
        };
        lines.push([label.as_bytes(), b": ", &change].concat());
    };
    both("name", Some(&a.name), Some(&b.name));
    both("system", Some(&a.system), Some(&b.system));
    both("builder", Some(&a.builder), Some(&b.builder));
    for index in 0..a.args.len().max(b.args.len()) {
        let arg = |derivation: &Derivation<'_>| derivation.args.get(index).map(|arg| arg.to_vec());
        both(
            &format!("args.{index}"),
            arg(a).as_deref(),
            arg(b).as_deref(),
        );
    }
    let outputs = |derivation: &Derivation<'_>| -> BTreeMap<Vec<u8>, Vec<u8>> {
        let outputs = derivation.outputs.iter();
        outputs
            .map(|(name, output)| (name.to_vec(), output_text(output)))
            .collect()
    };
    maps("outputs", &outputs(a), &outputs(b), &mut both);
    maps("env", &variables(a), &variables(b), &mut both);
    let (ours, theirs) = (structured(a), structured(b));
    maps("structuredAttrs", &ours, &theirs, &mut both);
    // Inputs that only one of them has.
    let (ours, theirs) = (inputs(a), inputs(b));
    let names: std::collections::BTreeSet<&[u8]> =
        ours.keys().chain(theirs.keys()).copied().collect();
    for name in names {
        let count = |inputs: &BTreeMap<&[u8], Vec<&[u8]>>| inputs.get(name).map_or(0, Vec::len);
        let label = format!("input {}", String::from_utf8_lossy(name));
        let (left, right) = (count(&ours), count(&theirs));
        if left != right {
            let text = |count: usize| format!("{count} of that name").into_bytes();
            both(
                &label,
                Some(&text(left)).filter(|_| left > 0).map(|t| &t[..]),
                Some(&text(right)).filter(|_| right > 0).map(|t| &t[..]),
            );
        }
    }
    let (ours, theirs) = (outputs_wanted(a), outputs_wanted(b));
    maps("outputs of input", &ours, &theirs, &mut both);
    sources(a, b, &mut lines);
    lines
}

/// Source files and trees: these have no further down, so that a hash is a reason.
fn sources(a: &Derivation<'_>, b: &Derivation<'_>, lines: &mut Vec<Vec<u8>>) {
    for path in a
        .input_srcs
        .iter()
        .filter(|path| !b.input_srcs.contains(path))
    {
        lines.push([b"source: - ", &path[..]].concat());
    }
    for path in b
        .input_srcs
        .iter()
        .filter(|path| !a.input_srcs.contains(path))
    {
        lines.push([b"source: + ", &path[..]].concat());
    }
}

fn maps(
    label: &str,
    a: &BTreeMap<Vec<u8>, Vec<u8>>,
    b: &BTreeMap<Vec<u8>, Vec<u8>>,
    both: &mut impl FnMut(&str, Option<&[u8]>, Option<&[u8]>),
) {
    let names: std::collections::BTreeSet<&Vec<u8>> = a.keys().chain(b.keys()).collect();
    for name in names {
        let label = format!("{label}.{}", String::from_utf8_lossy(name));
        both(
            &label,
            a.get(name).map(|value| &value[..]),
            b.get(name).map(|value| &value[..]),
        );
    }
}

/// Variables, without those that are told otherwise.
fn variables(derivation: &Derivation<'_>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let told = |name: &[u8]| {
        matches!(name, b"name" | b"system" | b"builder" | b"__json")
            || derivation
                .outputs
                .iter()
                .any(|(output, _)| **output == *name)
    };
    let variables = derivation.env.iter().filter(|(name, _)| !told(name));
    variables
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

/// Structured attributes, each as JSON.
fn structured(derivation: &Derivation<'_>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let json = derivation.env.iter().find(|(name, _)| **name == *b"__json");
    let members = json.and_then(|(_, json)| {
        serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(json).ok()
    });
    let members = members.unwrap_or_default().into_iter();
    members
        .map(|(name, value)| (name.into_bytes(), value.to_string().into_bytes()))
        .collect()
}

/// Which outputs of each input are needed, where both need only one derivation of that name.
fn outputs_wanted(derivation: &Derivation<'_>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let inputs = inputs(derivation);
    let single = derivation.inputs().into_iter().filter(|(path, ..)| {
        inputs
            .get(store_name(path))
            .is_some_and(|all| all.len() == 1)
    });
    single
        .map(|(path, outputs, ways)| {
            let outputs = outputs.iter().map(|output| output.to_vec());
            let ways = ways.iter().map(|(_, way)| way.join(&b'^'));
            let wanted: Vec<Vec<u8>> = outputs.chain(ways).collect();
            (store_name(path).to_vec(), wanted.join(&b','))
        })
        .collect()
}

fn output_text(output: &Output<'_>) -> Vec<u8> {
    match output {
        Output::InputAddressed(path) => path.to_vec(),
        Output::Fixed { method, hash, .. } => {
            format!("{} {}", method_name(*method), hash.sri()).into_bytes()
        }
        Output::Floating { method, algorithm } => format!(
            "content-addressed, {} {}",
            method_name(*method),
            algorithm.name()
        )
        .into_bytes(),
        Output::Impure { method, algorithm } => {
            format!("impure, {} {}", method_name(*method), algorithm.name()).into_bytes()
        }
        Output::Deferred => b"not known yet".to_vec(),
    }
}

/// A text in which each store path is its name alone.
fn without_hashes(text: &[u8]) -> Vec<u8> {
    let prefix = [STORE_DIR.as_bytes(), b"/"].concat();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest
        .windows(prefix.len())
        .position(|window| window == prefix)
    {
        let (before, path) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(&prefix);
        rest = &path[prefix.len()..];
        // Enough of it to be the path of something with a name of one letter.
        let is_path = path
            .get(..prefix.len() + 34)
            .is_some_and(|start| split_store_path(start).is_some());
        if is_path {
            rest = &rest[33..];
        }
    }
    out.extend_from_slice(rest);
    out
}

fn change(a: &[u8], b: &[u8]) -> Vec<u8> {
    if a.len().max(b.len()) <= MAX_SHOWN {
        return [&shown(a)[..], b" -> ", &shown(b)].concat();
    }
    // Of long texts only what differs.
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = (&a[same..], &b[same..]);
    let end = rest
        .0
        .iter()
        .rev()
        .zip(rest.1.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let part = |text: &[u8]| short(&text[same..text.len() - end]);
    [
        format!("at byte {same}: ").as_bytes(),
        &part(a),
        b" -> ",
        &part(b),
    ]
    .concat()
}

/// A text, or the beginning of a long one.
fn short(text: &[u8]) -> Vec<u8> {
    if text.len() <= MAX_SHOWN {
        return shown(text);
    }
    let more = format!("... ({} bytes)", text.len());
    [&shown(&text[..MAX_SHOWN])[..], more.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_left_out() {
        let a = b"x /nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a/bin:/nix/store/short /nix/store/";
        assert_eq!(
            without_hashes(a),
            b"x /nix/store/a/bin:/nix/store/short /nix/store/"
        );
    }

    #[test]
    fn of_long_texts_the_part_that_differs_is_told() {
        let (mut a, mut b) = (vec![b'.'; 1000], vec![b'.'; 1000]);
        a[500] = b'a';
        b[500] = b'b';
        assert_eq!(change(&a, &b), b"at byte 500: \"a\" -> \"b\"");
        assert_eq!(change(b"a", b"b"), b"\"a\" -> \"b\"");
    }
}
