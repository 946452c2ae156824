//! `piton eval DIR#attr`: the flake that is named on the command line, and the part of its outputs that is meant.

use crate::arguments::EvalArguments;
use crate::failure::{Failure, Result};
use crate::select::parse_path;
use crate::session::Session;
use crate::world::as_path;
use piton_core::error::{Error, ErrorKind};
use piton_core::heap::Value;
use piton_core::source::Origin;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The builtin that reads what somebody has typed. Only texts of builtins see it.
const TYPED: &[u8] = b"__typedFlake";

/// The flake that the command line names: with `--flake`, or in place of a file, unless there is a file of that name.
pub fn named(arguments: &EvalArguments) -> Option<&OsStr> {
    if let Some(reference) = &arguments.flake {
        return Some(reference);
    }
    let file = arguments.file.as_os_str();
    let is_flake = arguments.expr.is_none()
        && file.as_bytes().contains(&b'#')
        && !as_path(file.as_bytes()).exists();
    is_flake.then_some(file)
}

/// Evaluates the parts of a flake that `reference` names, and `attributes`. A name is looked for among the packages of `system`
/// first, as in Nix.
pub fn evaluate(
    session: &mut Session,
    reference: &OsStr,
    attributes: &[&str],
    base: &[u8],
    system: &str,
) -> Result<Vec<Value>> {
    let function = session
        .evaluator
        .evaluate_source(Origin::Internal, TYPED, b"/");
    let Ok(function) = function else {
        return Err(Failure::new(
            "flakes need the impure builtins, which '--no-impure' leaves out",
        ));
    };
    let arguments = [session.string(reference.as_bytes()), session.string(base)];
    let typed = session
        .evaluator
        .call(function, &arguments)
        .map_err(|error| session.report(&error))?;
    let flake = session.part(typed, "flake")?;
    let fragment = session.part(typed, "fragment")?;
    let shown = session.part(typed, "shown")?;
    let text =
        |value: Value| String::from_utf8_lossy(value.as_string().unwrap_or_default()).into_owned();
    let outputs = session.part(flake, "outputs")?;
    let (fragment, shown) = (text(fragment), text(shown));
    if fragment.is_empty() {
        // Attributes alone are as good as a fragment.
        return attributes
            .iter()
            .map(|name| session.output(outputs, name, &shown, system))
            .collect();
    }
    let value = session.output(outputs, &fragment, &shown, system)?;
    attributes
        .iter()
        .map(|path| session.select(value, path))
        .collect()
}

/// The error of a flake that lacks all of these.
#[cold]
fn missing(shown: &str, paths: &[String]) -> Error {
    let quoted: Vec<String> = paths.iter().map(|path| format!("'{path}'")).collect();
    let list = match &quoted[..] {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        all => all.concat(),
    };
    let message = format!("flake '{shown}' does not provide attribute {list}");
    Error::new(ErrorKind::MissingAttribute, message)
}

/// The selection paths that a fragment may mean.
fn candidates(fragment: &str, system: &str) -> Vec<String> {
    if let Some(exact) = fragment.strip_prefix('.') {
        return vec![exact.to_owned()];
    }
    if fragment.is_empty() {
        return vec![
            format!("packages.{system}.default"),
            format!("defaultPackage.{system}"),
        ];
    }
    vec![
        format!("packages.{system}.{fragment}"),
        format!("legacyPackages.{system}.{fragment}"),
        fragment.to_owned(),
    ]
}

impl Session {
    /// The output that a fragment means.
    fn output(
        &mut self,
        outputs: Value,
        fragment: &str,
        shown: &str,
        system: &str,
    ) -> Result<Value> {
        let paths = candidates(fragment, system);
        for path in &paths {
            if let Some(value) = self.find(outputs, &parse_path(path)?)? {
                return Ok(value);
            }
        }
        Err(self.report(&missing(shown, &paths)))
    }

    /// An attribute that is there, in weak head normal form.
    fn part(&mut self, set: Value, name: &str) -> Result<Value> {
        match self.find(set, &[name.to_owned()])? {
            Some(value) => Ok(value),
            None => Err(Failure::new(format!("a flake has no '{name}'"))),
        }
    }

    /// What is at a path of attributes, if all of them are there, in weak head normal form.
    fn find(&mut self, root: Value, path: &[String]) -> Result<Option<Value>> {
        let mut value = self.force(root)?;
        for name in path {
            let symbol = self.evaluator.vm_mut().interner.intern(name.as_bytes());
            let Some(member) = value.as_attrs().and_then(|attrs| attrs.get(symbol)) else {
                return Ok(None);
            };
            value = self.force(member)?;
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn what_a_fragment_may_mean() {
        assert_eq!(candidates(".a.b", "s"), ["a.b"]);
        assert_eq!(
            candidates("", "s"),
            ["packages.s.default", "defaultPackage.s"]
        );
        assert_eq!(
            candidates("a", "s"),
            ["packages.s.a", "legacyPackages.s.a", "a"]
        );
    }
}
